//! The demo on a terminal.

use std::io;
use std::time::Duration;

use ratatui::crossterm::event::{
    self, Event as Input, KeyCode, KeyEvent, KeyEventKind, KeyModifiers,
};

use super::now;
use super::run::{Demo, End};
use super::screen::Screen;

/// How long the picture may be old: twenty a second look alive.
const FRAME: Duration = Duration::from_millis(50);

/// Restores the terminal, whatever happens.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Shows the demo until it is over. `kills`: how often the script kills; `None`: the user holds the keys.
pub(crate) fn run(demo: &mut Demo, kills: Option<usize>) -> io::Result<End> {
    let _restore = Restore;
    let mut terminal = ratatui::try_init()?;
    let mut chosen = 1;
    let mut due = now();
    loop {
        if let Some(end) = &demo.end {
            return Ok(end.clone());
        }
        let time = now();
        if time >= due {
            due = time + FRAME;
            let screen = Screen {
                plan: &demo.plan,
                nodes: &demo.cluster.nodes,
                ledger: &demo.ledger,
                journal: &demo.journal,
                began: demo.began,
                now: time,
                chosen,
                kills,
            };
            terminal.draw(|frame| screen.draw(frame))?;
        }
        demo.turn(due.saturating_sub(now()));
        while event::poll(Duration::ZERO)? {
            let Input::Key(key) = event::read()? else {
                continue;
            };
            if let Some(command) = command(&key) {
                if command == Command::Quit {
                    return Ok(End::Quit);
                }
                if kills.is_none() {
                    carry_out(demo, command, &mut chosen);
                }
            }
        }
    }
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    KillLeader,
    Kill,
    Restart,
    Pause,
    CutOff,
    Previous,
    Next,
    Choose(u64),
    Quit,
}

fn command(key: &KeyEvent) -> Option<Command> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    // In raw mode Ctrl-C is a key like any other.
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Command::Quit);
    }
    Some(match key.code {
        KeyCode::Char('k') => Command::KillLeader,
        KeyCode::Char('x') => Command::Kill,
        KeyCode::Char('r') => Command::Restart,
        KeyCode::Char('p') => Command::Pause,
        KeyCode::Char('c') => Command::CutOff,
        KeyCode::Char('q') | KeyCode::Esc => Command::Quit,
        KeyCode::Char(digit @ '1'..='9') => Command::Choose(digit.to_digit(10)?.into()),
        KeyCode::Up => Command::Previous,
        KeyCode::Down => Command::Next,
        _ => return None,
    })
}

fn carry_out(demo: &mut Demo, command: Command, chosen: &mut u64) {
    let last = demo.plan.nodes as u64;
    match command {
        Command::KillLeader => {
            if let Some((leader, _)) = demo.ledger.leader() {
                demo.kill(leader.node);
            }
        }
        Command::Kill => demo.kill(*chosen),
        Command::Restart => demo.restart(*chosen),
        Command::Pause => demo.toggle_pause(*chosen),
        Command::CutOff => demo.toggle_cut_off(*chosen),
        Command::Previous => *chosen = if *chosen <= 1 { last } else { *chosen - 1 },
        Command::Next => *chosen = if *chosen >= last { 1 } else { *chosen + 1 },
        Command::Choose(node) => *chosen = node.clamp(1, last),
        // The loop's business.
        Command::Quit => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_commands() {
        let press = |code, modifiers| command(&KeyEvent::new(code, modifiers));
        let plain = |code| press(code, KeyModifiers::NONE);
        assert_eq!(plain(KeyCode::Char('k')), Some(Command::KillLeader));
        assert_eq!(plain(KeyCode::Char('c')), Some(Command::CutOff));
        assert_eq!(
            press(KeyCode::Char('c'), KeyModifiers::CONTROL),
            Some(Command::Quit)
        );
        assert_eq!(press(KeyCode::Char('k'), KeyModifiers::CONTROL), None);
        assert_eq!(plain(KeyCode::Char('3')), Some(Command::Choose(3)));
        assert_eq!(plain(KeyCode::Char('0')), None);
        assert_eq!(plain(KeyCode::F(1)), None);
    }
}
