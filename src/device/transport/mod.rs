//! Byte streams to a device: SSH and Telnet.
