#!/usr/bin/env python3
"""Backs up one simulated fleet with noctule, netmiko and asyncssh, one after the other, and compares them.

    benches/fleet.py [--devices 1000] [--bytes 40000] [--delay 0] [--workers 200] [--clients noctule,netmiko,asyncssh]

The fleet is `noctule lab`: one process, real SSH key exchange with every device. CPU is user + system time of the
client's process alone, memory its peak. Needs a release build; netmiko and asyncssh from PyPI for their rows.
"""

import argparse
import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
NOCTULE = HERE.parent / "target" / "release" / "noctule"


def main():
    options = parse()
    with tempfile.TemporaryDirectory(prefix="noctule-fleet-") as folder:
        folder = pathlib.Path(folder)
        inventory = folder / "fleet.csv"
        lab = start_lab(options, inventory)
        try:
            rows = [measure(client, options, inventory, folder) for client in options.clients]
        finally:
            lab.send_signal(signal.SIGINT)
            lab.wait(timeout=30)
    show(rows, options)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--bytes", type=int, default=40_000)
    parser.add_argument("--delay", type=int, default=0, help="milliseconds that a device takes for each command")
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--clients", type=lambda text: text.split(","), default=["noctule", "netmiko", "asyncssh"])
    return parser.parse_args()


def start_lab(options, inventory):
    lab = subprocess.Popen([
        NOCTULE, "lab", "--devices", str(options.devices), "--delay", str(options.delay),
        "--size", str(options.bytes), "--driver", "cisco_ios", "--inventory", inventory,
    ], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not inventory.exists():
        if lab.poll() is not None or time.monotonic() > deadline:
            sys.exit("the lab did not start")
        time.sleep(0.05)
    return lab


def measure(client, options, inventory, folder):
    """Runs one client over the whole fleet: CPU seconds, wall seconds, peak MB, devices that came whole."""
    if client == "noctule":
        data = folder / "noctule"
        run([NOCTULE, "--data", data, "device", "import", inventory], folder / "import.log")
        command = [NOCTULE, "--data", data, "backup", "run", "--all", "--json", "--concurrency", str(options.workers)]
        log = folder / "noctule.json"
        used, wall = run(command, log)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        whole = sum(line["status"] == "changed" and line["bytes"] >= options.bytes * 0.9 for line in lines)
    else:
        log = folder / f"{client}.log"
        script = HERE / "peers" / f"{client}_fleet.py"
        used, wall = run([sys.executable, script, inventory, str(options.workers)], log)
        sizes = [int(row[1]) for row in csv.reader(log.open()) if row and row[1].isdigit()]
        whole = sum(size >= options.bytes * 0.9 for size in sizes)
    cpu = used.ru_utime + used.ru_stime
    return client, whole, cpu, wall, used.ru_maxrss / 1024


def run(command, log):
    started = time.monotonic()
    with log.open("wb") as out:
        child = subprocess.Popen([str(word) for word in command], stdout=out)
        _, _, used = os.wait4(child.pid, 0)
    return used, time.monotonic() - started


def show(rows, options):
    print(f"{options.devices} devices of {options.bytes} bytes, {options.delay} ms per command, "
          f"{options.workers} at once, {os.cpu_count()} cores")
    print(f"{'client':<10}{'whole':>7}{'CPU s':>8}{'ms/device':>11}{'devices/CPU-s':>15}{'wall s':>8}{'peak MB':>9}")
    for client, whole, cpu, wall, peak in rows:
        print(f"{client:<10}{whole:>7}{cpu:>8.2f}{1000 * cpu / options.devices:>11.2f}"
              f"{options.devices / cpu:>15.0f}{wall:>8.2f}{peak:>9.0f}")
    first = rows[0][2]
    for client, _, cpu, _, _ in rows[1:]:
        print(f"{client} takes {cpu / first:.1f} times the CPU of {rows[0][0]}")


if __name__ == "__main__":
    main()
