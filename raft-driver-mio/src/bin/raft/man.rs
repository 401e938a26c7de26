//! `raft man` and `raft completions`: what is made from the definition of the command line.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::target;

/// Prints the manual page of raft, or writes those of raft and of each of its commands into a directory.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0  done
  1  a file cannot be written

Examples:
  raft man | man -l -
  raft man --out /usr/local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write raft.1, raft-node.1 and so on into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints what a shell needs to complete the command line of raft.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  raft completions bash > /etc/bash_completion.d/raft")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Prints or writes the manual pages of `cli`.
pub(crate) fn man(args: ManArgs, cli: Command) -> ExitCode {
    let done = match args.out {
        None => page(&cli).map(|text| {
            target::print(&text);
        }),
        Some(dir) => pages(cli).and_then(|pages| {
            let mut pages = pages.into_iter();
            pages.try_for_each(|(name, text)| {
                let path = dir.join(name);
                let named = |error| {
                    let (path, why) = (
                        path.display(),
                        "give --out a directory that is there and may be written",
                    );
                    io::Error::other(format!("out: {path}: {error}: {why}"))
                };
                fs::write(&path, text).map_err(named)
            })
        }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::complain("man", error);
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn completions(args: CompletionsArgs, mut cli: Command) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut cli, "raft", &mut text);
    target::print(&String::from_utf8_lossy(&text));
    ExitCode::SUCCESS
}

/// All pages, by the names of their files.
fn pages(mut cli: Command) -> io::Result<Vec<(String, String)>> {
    cli.build();
    let commands = cli.get_subcommands().filter(|command| {
        // The one of clap needs no page.
        !command.is_hide_set() && command.get_name() != "help"
    });
    let mut pages = vec![("raft.1".to_owned(), page(&cli)?)];
    for command in commands {
        let name = format!("raft-{}", command.get_name());
        pages.push((
            format!("{name}.1"),
            page(&command.clone().display_name(name))?,
        ));
    }
    Ok(pages)
}

fn page(command: &Command) -> io::Result<String> {
    let mut text = Vec::new();
    Man::new(command.clone())
        .manual("User Commands")
        .render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// An option as roff writes it.
    fn escaped(long: &str) -> String {
        format!("\\-\\-{}", long.replace('-', "\\-"))
    }

    #[test]
    fn every_command_and_option_is_in_the_manual() {
        let pages = pages(crate::Cli::command()).expect("pages");
        let (name, overview) = &pages[0];
        assert_eq!(name, "raft.1");
        let mut checked = 0;
        let cli = crate::Cli::command();
        for command in cli
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
        {
            let name = command.get_name();
            let in_overview = format!("raft\\-{}", name.replace('-', "\\-"));
            assert!(overview.contains(&in_overview), "raft.1 lacks {name}");
            let page = pages
                .iter()
                .find(|(file, _)| *file == format!("raft-{name}.1"));
            let (_, page) = page.unwrap_or_else(|| panic!("{name} has no page"));
            for option in command
                .get_arguments()
                .filter(|option| !option.is_hide_set())
            {
                checked += 1;
                if let Some(long) = option.get_long() {
                    assert!(page.contains(&escaped(long)), "{name} lacks --{long}");
                }
                if let Some(env) = option.get_env() {
                    let env = env.to_string_lossy();
                    assert!(page.contains(&*env), "{name} lacks {env}");
                }
            }
            if name == "wait" {
                assert!(
                    page.contains("Exit status") && page.contains("124"),
                    "{page}"
                );
            }
        }
        assert!(checked > 50, "{checked}");
    }

    #[test]
    fn every_shell_completes_every_command_and_option() {
        let cli = crate::Cli::command();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut cli.clone(), "raft", &mut text);
            let text = String::from_utf8(text).expect("UTF-8");
            for command in cli
                .get_subcommands()
                .filter(|command| !command.is_hide_set())
            {
                assert!(text.contains(command.get_name()), "{shell}");
                for option in command
                    .get_arguments()
                    .filter(|option| !option.is_hide_set())
                {
                    let long = option.get_long().unwrap_or_default();
                    assert!(text.contains(long), "{shell}: {long}");
                }
            }
        }
    }
}
