"""Reads the running configuration of every device of a CSV with netmiko in a thread pool; prints name,length."""

import csv
import sys
from concurrent.futures import ThreadPoolExecutor

from netmiko import ConnectHandler


def read(row):
    try:
        with ConnectHandler(
            device_type=row["driver"], host=row["address"], port=int(row["port"]), username=row["username"],
            password=row["password"], secret=row["enable_password"], conn_timeout=60, banner_timeout=60, auth_timeout=60,
        ) as device:
            if row["enable_password"]:
                device.enable()
            return row["name"], len(device.send_command("show running-config", read_timeout=120))
    except Exception as error:
        return row["name"], type(error).__name__


if __name__ == "__main__":
    with open(sys.argv[1], newline="") as file:
        rows = list(csv.DictReader(file))
    with ThreadPoolExecutor(int(sys.argv[2])) as pool:
        csv.writer(sys.stdout).writerows(pool.map(read, rows))
