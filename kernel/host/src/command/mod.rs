//! The command line: one file a command.

mod audit;
mod bench;
mod board;
mod build;
mod call;
mod check;
mod codec;
mod compile_component;
mod completions;
mod dead;
mod described;
mod dev;
mod directory;
mod doctor;
mod events;
mod get;
mod grants;
mod guard_outputs;
mod inspect;
mod key;
mod logs;
mod man;
mod new;
mod plan;
mod plugin_file;
mod ps;
mod remote;
mod run;
mod sandbox;
mod schema;
mod set;
mod sign;
mod tls;
mod top;
mod verify;
mod versions;
mod wit;

pub use completions::offered;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{Args, ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::language::help;
use crate::output::{Colour, Failure, Outcome, Style};

/// Weihe 微核: drop a .wasm into a folder and it is a driver.
#[derive(Debug, Parser)]
#[command(
    name = "weihe",
    version,
    propagate_version = true,
    max_term_width = 100
)]
struct Weihe {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What all commands take.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Print JSON instead of text for people
    #[arg(long, global = true)]
    pub json: bool,
    /// The system's directory, which holds weihe.toml [default: the nearest one upwards]
    // Its name is none that an argument of a command has: clap would leave it out there.
    #[arg(
        id = "system",
        short = 'C',
        long = "dir",
        global = true,
        value_name = "DIR",
        env = "WEIHE_DIR"
    )]
    pub directory: Option<PathBuf>,
    #[command(flatten)]
    /// The host elsewhere, where one is named.
    pub remote: remote::Elsewhere,
    /// Use colours: auto (on a terminal that can), always or never
    #[arg(
        long = "color",
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_possible_values = true
    )]
    pub colour: Colour,
    /// Whether the directory is that of the environment, which nobody has named here.
    #[arg(skip)]
    pub is_from_environment: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Dev(dev::Dev),
    New(new::New),
    Build(build::Build),
    Wit(wit::Wit),
    Check(check::Check),
    Inspect(inspect::Inspect),
    Decode(codec::Decode),
    Encode(codec::Encode),
    Ps(ps::Ps),
    Top(top::Top),
    Board(board::Board),
    Events(events::Events),
    Get(get::Get),
    Set(set::Set),
    Call(call::Call),
    Logs(logs::Logs),
    Swap(versions::Swap),
    Rollback(versions::Rollback),
    Load(versions::Load),
    Unload(versions::Unload),
    Restart(versions::Restart),
    Plan(plan::Plan),
    Reload(plan::Reload),
    Dead(dead::Dead),
    Audit(audit::Audit),
    Grants(grants::Grants),
    Key(key::KeyCommand),
    Tls(tls::Tls),
    Sign(sign::Sign),
    Verify(verify::Verify),
    Doctor(doctor::Doctor),
    Bench(bench::Bench),
    Sandbox(sandbox::Sandbox),
    Schema(schema::Schema),
    Completions(completions::Completions),
    Man(man::Man),
    #[command(name = completions::WORDS_COMMAND, hide = true)]
    CompleteWords(completions::CompleteWords),
    #[command(name = crate::system::COMPILE_COMMAND, hide = true)]
    CompileComponent(compile_component::CompileComponent),
    #[command(name = crate::guard::GUARD_COMMAND, hide = true)]
    GuardOutputs(guard_outputs::GuardOutputs),
}

/// What a command ends with.
pub type Result = std::result::Result<Outcome, Failure>;

/// All commands with what they take, as clap has them in English.
pub(crate) fn command() -> clap::Command {
    Weihe::command()
}

/// Reads the command line of this process.
fn parse() -> std::result::Result<Weihe, clap::Error> {
    // What is wrong with it, and its help, are printed before it is read.
    let words: Vec<_> = std::env::args_os().collect();
    let is_told = |when: &str| {
        let joined = format!("--color={when}");
        words.iter().any(|word| *word == *joined)
            || words
                .windows(2)
                .any(|pair| pair[0] == "--color" && pair[1] == *when)
    };
    let choice = match (is_told("always"), is_told("never")) {
        (true, _) => {
            Colour::Always.hold();
            ColorChoice::Always
        }
        (_, true) => {
            Colour::Never.hold();
            ColorChoice::Never
        }
        _ => ColorChoice::Auto,
    };
    let command = help::translate(command().color(choice));
    let matches = command.try_get_matches_from(words)?;
    let mut weihe = Weihe::from_arg_matches(&matches)?;
    weihe.global.is_from_environment =
        matches.value_source("system") == Some(ValueSource::EnvVariable);
    Ok(weihe)
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let weihe = match parse() {
        Ok(weihe) => weihe,
        Err(error) => {
            // Help and version are no errors.
            help::print_error(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let global = weihe.global;
    global.colour.hold();
    let result = match weihe.command {
        Command::Run(run) => run.run(&global),
        Command::Dev(dev) => dev.run(&global),
        Command::New(new) => new.run(&global),
        Command::Build(build) => build.run(&global),
        Command::Wit(wit) => wit.run(&global),
        Command::Check(check) => check.run(&global),
        Command::Inspect(inspect) => inspect.run(&global),
        Command::Decode(decode) => decode.run(&global),
        Command::Encode(encode) => encode.run(&global),
        Command::Ps(ps) => ps.run(&global),
        Command::Top(top) => top.run(&global),
        Command::Board(board) => board.run(&global),
        Command::Events(events) => events.run(&global),
        Command::Get(get) => get.run(&global),
        Command::Set(set) => set.run(&global),
        Command::Call(call) => call.run(&global),
        Command::Logs(logs) => logs.run(&global),
        Command::Swap(swap) => swap.run(&global),
        Command::Rollback(rollback) => rollback.run(&global),
        Command::Load(load) => load.run(&global),
        Command::Unload(unload) => unload.run(&global),
        Command::Restart(restart) => restart.run(&global),
        Command::Plan(plan) => plan.run(&global),
        Command::Reload(reload) => reload.run(&global),
        Command::Dead(dead) => dead.run(&global),
        Command::Audit(audit) => audit.run(&global),
        Command::Grants(grants) => grants.run(&global),
        Command::Key(key) => key.run(&global),
        Command::Tls(tls) => tls.run(&global),
        Command::Sign(sign) => sign.run(&global),
        Command::Verify(verify) => verify.run(&global),
        Command::Doctor(doctor) => doctor.run(&global),
        Command::Bench(bench) => bench.run(&global),
        Command::Sandbox(sandbox) => sandbox.run(),
        Command::Schema(schema) => schema.run(&global),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(&global),
        Command::CompleteWords(words) => words.run(&global),
        Command::CompileComponent(compile) => return compile.run(),
        Command::GuardOutputs(guard) => return guard.run(),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Err(failure) => {
            if global.json {
                println!("{}", failure.to_json());
            } else {
                eprint!("{}", failure.render(Style::stderr()));
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
