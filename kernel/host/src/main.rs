//! The `weihe` command.

fn main() -> std::process::ExitCode {
    weihe::command::main()
}
