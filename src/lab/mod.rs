//! Simulated devices that replay transcripts over real SSH and Telnet.
