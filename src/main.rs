//! Parses the command line and hands over to the client.

fn main() -> std::process::ExitCode {
    noctule::client::main()
}
