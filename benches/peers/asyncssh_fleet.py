"""Reads the running configuration of every device of a CSV with asyncssh; prints name,length.

As lean as a client can be: one prompt known beforehand, no host key check, no proof that the text is whole.
"""

import asyncio
import csv
import sys

import asyncssh


async def read(row, turn):
    async with turn:
        try:
            async with asyncssh.connect(
                row["address"], int(row["port"]), username=row["username"], password=row["password"],
                known_hosts=None, client_keys=None, agent_path=None, config=None, connect_timeout=60,
            ) as connection:
                return row["name"], await asyncio.wait_for(converse(connection, row), 120)
        except Exception as error:
            return row["name"], type(error).__name__


async def converse(connection, row):
    device = await connection.create_process(term_type="vt100", term_size=(511, 100))
    said = await device.stdout.readuntil((">", "#"))
    if said.endswith(">"):
        device.stdin.write("enable\r")
        await device.stdout.readuntil("assword:")
        device.stdin.write(row["enable_password"] + "\r")
        await device.stdout.readuntil("#")
    device.stdin.write("terminal length 0\r")
    await device.stdout.readuntil("#")
    device.stdin.write("show running-config\r")
    text = await device.stdout.readuntil("\nend")
    return len(text)


async def main():
    with open(sys.argv[1], newline="") as file:
        rows = list(csv.DictReader(file))
    turn = asyncio.Semaphore(int(sys.argv[2]))
    csv.writer(sys.stdout).writerows(await asyncio.gather(*(read(row, turn) for row in rows)))


if __name__ == "__main__":
    asyncio.run(main())
