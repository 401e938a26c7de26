//! One active instance of a program among several hosts.

mod allowance;
mod aside;
mod check_config;
mod command;
mod config;
mod demo;
#[cfg(target_os = "linux")]
mod exec;
mod facts;
mod fence;
mod handover;
mod hooks;
mod http;
mod keygen;
mod keys;
mod leader;
mod log;
mod man;
mod member;
mod node;
mod options;
mod reload;
mod restarts;
mod status;
mod systemd;
mod tallies;
mod target;
mod variables;
mod watch;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Leader election among a few hosts, over UDP, without a server cluster.
#[derive(Debug, Parser)]
#[command(name = "raft", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Node(Box<node::Args>),
    #[cfg(target_os = "linux")]
    Exec(Box<exec::Args>),
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    ExecKeeper(exec::KeeperArgs),
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    ExecProgram(exec::ProgramArgs),
    Keygen(keygen::Args),
    CheckConfig(Box<check_config::Args>),
    Status(status::Args),
    Leader(leader::LeaderArgs),
    IsLeader(leader::IsLeaderArgs),
    Watch(watch::WatchArgs),
    Wait(watch::WaitArgs),
    Transfer(handover::TransferArgs),
    StepDown(handover::StepDownArgs),
    Pause(handover::PauseArgs),
    Resume(handover::ResumeArgs),
    Fence(fence::Args),
    Demo(demo::Args),
    Man(man::ManArgs),
    Completions(man::CompletionsArgs),
}

fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => return wrong_options(&error),
    };
    match command {
        Command::Node(args) => node::run(*args),
        #[cfg(target_os = "linux")]
        Command::Exec(args) => exec::run(*args),
        #[cfg(target_os = "linux")]
        Command::ExecKeeper(args) => exec::keep(args),
        #[cfg(target_os = "linux")]
        Command::ExecProgram(args) => exec::become_program(args),
        Command::Keygen(args) => keygen::run(args),
        Command::CheckConfig(args) => check_config::run(*args),
        Command::Status(args) => status::run(args),
        Command::Leader(args) => leader::leader(args),
        Command::IsLeader(args) => leader::is_leader(args),
        Command::Watch(args) => watch::watch(args),
        Command::Wait(args) => watch::wait(args),
        Command::Transfer(args) => handover::transfer(args),
        Command::StepDown(args) => handover::step_down(args),
        Command::Pause(args) => handover::pause(args),
        Command::Resume(args) => handover::resume(args),
        Command::Fence(args) => fence::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Man(args) => man::man(args, Cli::command()),
        Command::Completions(args) => man::completions(args, Cli::command()),
    }
}

/// Prints the help that was asked for, or what is wrong with the command line: that is status 2, and 125 for a
/// subcommand that ends with the statuses of another program.
fn wrong_options(error: &clap::Error) -> ExitCode {
    // An end of standard output that nobody reads changes no status.
    let _ = error.print();
    match std::env::args_os().nth(1) {
        _ if !error.use_stderr() => ExitCode::SUCCESS,
        Some(subcommand) if subcommand == "exec" || subcommand == "fence" => ExitCode::from(125),
        Some(_) | None => ExitCode::from(2),
    }
}

/// Says on standard error why a subcommand fails. One that cannot be told, because the other end of
/// standard error is gone, still gets the exit status.
fn complain(subcommand: &str, error: impl Display) {
    let _ = writeln!(std::io::stderr(), "raft {subcommand}: {error}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
    }
}
