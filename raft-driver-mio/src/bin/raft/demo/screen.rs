//! The demo as a picture. Pure: it draws what it is given.

use std::time::Duration;

use raft_core::RoleKind;
use raft_driver_mio::Status;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Table};

use super::cluster::{Node, Plan};
use super::journal::{self, Entry, Tone};
use super::ledger::Ledger;
use super::timing::ms;

/// What is shown.
#[derive(Debug)]
pub(crate) struct Screen<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) nodes: &'a [Node],
    pub(crate) ledger: &'a Ledger,
    pub(crate) journal: &'a [Entry],
    /// When the demo began, and now, by the boot clock.
    pub(crate) began: Duration,
    pub(crate) now: Duration,
    /// The id of the chosen node.
    pub(crate) chosen: u64,
    /// How many kills the script makes; `None`: the user holds the keys.
    pub(crate) kills: Option<usize>,
}

const DIM: Style = Style::new().fg(Color::DarkGray);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);

impl Screen<'_> {
    /// Draws it.
    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let rows = u16::try_from(self.nodes.len()).unwrap_or(u16::MAX);
        let [title, leader, nodes, middle, keys] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(2),
            Constraint::Length(rows.saturating_add(2)),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        let [log, failovers] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(25)]).areas(middle);
        frame.render_widget(self.title(), title);
        frame.render_widget(self.leader(), leader);
        frame.render_widget(self.table(), nodes);
        frame.render_widget(self.log(log), log);
        frame.render_widget(self.failovers(failovers), failovers);
        frame.render_widget(self.keys(), keys);
    }

    fn title(&self) -> Line<'static> {
        Line::from(vec![
            Span::styled("raft demo", BOLD),
            Span::raw(format!(
                "  {} nodes, heartbeat {}, election timeout {}",
                self.plan.nodes,
                ms(self.plan.heartbeat),
                ms(self.plan.election_timeout)
            )),
        ])
    }

    fn leader(&self) -> Line<'static> {
        if let Some(open) = self.ledger.open() {
            let text = format!(
                "node {} was {}: no leader for {}",
                open.process.node,
                open.blow.name(),
                ms(self.now.saturating_sub(open.at))
            );
            let style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
            return if self.ledger.has_majority() {
                Line::styled(text, style)
            } else {
                Line::styled(
                    format!("{text}; no majority is left: restart a node"),
                    style,
                )
            };
        }
        match self.ledger.leader() {
            Some((leader, term)) => {
                let style = Style::new().fg(Color::Green).add_modifier(Modifier::BOLD);
                Line::styled(format!("node {} leads term {term}", leader.node), style)
            }
            None => Line::styled(
                "no leader",
                Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
            ),
        }
    }

    fn table(&self) -> Table<'_> {
        let header = [
            "node", "process", "state", "role", "term", "leader", "lease", "round", "dgram/s",
            "bytes/s",
        ];
        let widths = [4, 7, 8, 12, 4, 6, 10, 6, 7, 7].map(Constraint::Length);
        let rows = self.nodes.iter().map(|node| self.row(node));
        Table::new(rows, widths).header(Row::new(header).style(DIM))
    }

    fn row(&self, node: &Node) -> Row<'static> {
        let status = node
            .status
            .as_ref()
            .map(|(asked, status)| (*asked, status.as_ref()));
        let said = |tell: &dyn Fn(&Status) -> String| {
            status.map_or_else(String::new, |(_, status)| tell(status))
        };
        let number = |number: Option<u64>| {
            number.map_or_else(|| "-".to_owned(), |number| number.to_string())
        };
        let mark = if node.id == self.chosen && self.kills.is_none() {
            ">"
        } else {
            " "
        };
        let (state, state_style) = state(node);
        let role = status.map(|(_, status)| status.role);
        let rate = node.rates.rate();
        let per_second =
            |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:7.0}"));
        let row = Row::new(vec![
            Cell::from(format!("{mark} {}", node.id)),
            Cell::from(
                node.running
                    .as_ref()
                    .map_or_else(String::new, |running| running.pid().to_string()),
            ),
            Cell::from(Span::styled(state, state_style)),
            Cell::from(Span::styled(
                role.map_or("", short),
                role.map_or(DIM, role_style),
            )),
            Cell::from(said(&|status| status.term.0.to_string())),
            Cell::from(said(&|status| number(status.leader.map(|leader| leader.0)))),
            Cell::from(self.lease(status)),
            Cell::from(said(&|status| status.round.0.to_string())),
            Cell::from(per_second(rate.map(|rate| rate.datagrams))),
            Cell::from(per_second(rate.map(|rate| rate.bytes))),
        ]);
        if mark == ">" { row.style(BOLD) } else { row }
    }

    /// What is left of the lease: full just after a round was begun that a majority answered.
    fn lease(&self, status: Option<(Duration, &Status)>) -> Span<'static> {
        const WIDTH: usize = 10;
        // The default of the core: L = 0.8 T.
        let whole = self.plan.election_timeout.as_secs_f64() * 0.8;
        let left = status.and_then(|(asked, status)| {
            let age = self.now.saturating_sub(asked).as_secs_f64();
            (status.role == RoleKind::Leader).then_some(status.lease_remaining_seconds - age)
        });
        let Some(left) = left else {
            return Span::raw("");
        };
        let eighths = ((left / whole).clamp(0.0, 1.0) * (WIDTH * 8) as f64).round() as usize;
        let mut bar = "█".repeat(eighths / 8);
        let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        bar += parts.get(eighths % 8).copied().unwrap_or_default();
        if bar.is_empty() {
            return Span::styled("over", Style::new().fg(Color::Red));
        }
        Span::styled(bar, Style::new().fg(Color::Green))
    }

    fn log(&self, area: Rect) -> Paragraph<'_> {
        let height = usize::from(area.height.saturating_sub(1));
        let newest = self
            .journal
            .get(self.journal.len().saturating_sub(height)..)
            .unwrap_or_default();
        let lines = newest.iter().map(|entry| {
            let color = match entry.tone {
                Tone::Plain => Style::new(),
                Tone::Deed => Style::new().fg(Color::Yellow),
                Tone::Good => Style::new().fg(Color::Green),
                Tone::Bad => Style::new().fg(Color::Red),
            };
            Line::styled(entry.line(self.began), color)
        });
        let block = Block::new()
            .borders(Borders::TOP)
            .border_style(DIM)
            .title("what happened");
        Paragraph::new(lines.collect::<Vec<_>>()).block(block)
    }

    fn failovers(&self, area: Rect) -> Paragraph<'_> {
        let failovers = self.ledger.failovers();
        let height = usize::from(area.height.saturating_sub(1));
        let first = failovers.len().saturating_sub(height);
        let lines = (first + 1..)
            .zip(failovers.get(first..).unwrap_or_default())
            .map(|(number, failover)| {
                Line::from(format!(
                    "{number:3} {}→{} {:>8} {}",
                    failover.old_leader,
                    failover.new_leader,
                    ms(failover.to_active),
                    failover.blow.name()
                ))
            });
        let title = match self.kills {
            Some(kills) => format!("failovers, {} of {kills}", failovers.len()),
            None => "failovers".to_owned(),
        };
        let block = Block::new()
            .borders(Borders::TOP | Borders::LEFT)
            .border_style(DIM)
            .title(title);
        Paragraph::new(lines.collect::<Vec<_>>()).block(block)
    }

    fn keys(&self) -> Line<'static> {
        let keys: &[(&str, &str)] = if self.kills.is_some() {
            &[("q", "quit")]
        } else {
            &[
                ("k", "kill leader"),
                ("↑↓", "choose"),
                ("x", "kill"),
                ("r", "restart"),
                ("p", "pause"),
                ("c", "cut off"),
                ("q", "quit"),
            ]
        };
        let mut spans = Vec::new();
        for (key, meaning) in keys {
            spans.push(Span::styled(*key, BOLD));
            spans.push(Span::styled(format!(" {meaning}  "), DIM));
        }
        Line::from(spans)
    }
}

fn short(role: RoleKind) -> &'static str {
    match role {
        // Twelve letters fit.
        RoleKind::PreCandidate => "precandidate",
        role => journal::name(role),
    }
}

fn role_style(role: RoleKind) -> Style {
    match role {
        RoleKind::Leader => Style::new().fg(Color::Green).add_modifier(Modifier::BOLD),
        RoleKind::Candidate | RoleKind::PreCandidate => Style::new().fg(Color::Yellow),
        RoleKind::Follower => Style::new(),
    }
}

fn state(node: &Node) -> (&'static str, Style) {
    let red = Style::new().fg(Color::Red);
    match node {
        Node { running: None, .. } => ("dead", red),
        Node { paused: true, .. } => ("paused", red),
        Node { cut_off: true, .. } => ("cut off", red),
        Node { ready: false, .. } => ("starting", DIM),
        _ => ("running", Style::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::{Blow, Process};
    use super::super::line::{Line as Heard, News};
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    const PLAN: Plan = Plan {
        nodes: 3,
        heartbeat: Duration::from_millis(50),
        election_timeout: Duration::from_millis(500),
    };

    fn status(role: &str, leader: Option<u64>, lease: f64) -> Box<Status> {
        let json = serde_json::json!({
            "schema": 1, "cluster": "demo", "node_id": 1, "pid": 1, "version": "", "listen": "127.0.0.1:1",
            "role": role, "term": 4, "leader": leader, "leader_address": null, "active": lease > 0.0,
            "lease_remaining_seconds": lease, "round": 123, "voted_for": null, "paused": false,
            "witness": false, "isolated": false, "uptime_seconds": 0.0, "datagrams_sent": 0,
            "datagrams_received": 0, "bytes_sent": 0, "bytes_received": 0, "dropped": {}, "peers": [],
            "sync_seconds": {"count": 0, "last": 0.0, "max": 0.0},
        });
        serde_json::from_value(json).unwrap()
    }

    struct Stage {
        nodes: Vec<Node>,
        ledger: Ledger,
        journal: Vec<Entry>,
    }

    impl Stage {
        /// Nodes without processes, hence dead, of which 1 said that it leads.
        fn new() -> Stage {
            let mut stage = Stage {
                nodes: (1..=3).map(Node::new).collect(),
                ledger: Ledger::new(3),
                journal: Vec::new(),
            };
            stage.nodes[0].status = Some((Duration::from_secs(9), status("leader", Some(1), 0.3)));
            stage.nodes[1].status =
                Some((Duration::from_secs(9), status("follower", Some(1), 0.0)));
            stage.nodes[2].status =
                Some((Duration::from_secs(9), status("pre_candidate", None, 0.0)));
            for process in (1..=3).map(|node| Process { node, start: 0 }) {
                stage.say(process, 1000, News::Ready { term: 0 });
            }
            stage.say(
                Process { node: 1, start: 0 },
                5000,
                News::LeadershipGained { term: 4 },
            );
            stage
        }

        fn say(&mut self, process: Process, ms: u64, news: News) {
            self.ledger.line(
                process,
                &Heard {
                    since: Duration::from_millis(ms),
                    news,
                },
            );
        }

        fn draw(&self, width: u16, height: u16, kills: Option<usize>) -> Vec<String> {
            let screen = Screen {
                plan: &PLAN,
                nodes: &self.nodes,
                ledger: &self.ledger,
                journal: &self.journal,
                began: Duration::ZERO,
                now: Duration::from_millis(9100),
                chosen: 2,
                kills,
            };
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| screen.draw(frame)).unwrap();
            let buffer = terminal.backend().buffer();
            let line = |y| {
                (0..width)
                    .map(|x| buffer[(x, y)].symbol())
                    .collect::<String>()
            };
            (0..height).map(|y| line(y).trim_end().to_owned()).collect()
        }
    }

    #[test]
    fn eighty_columns_show_every_node() {
        let lines = Stage::new().draw(80, 24, None);
        assert_eq!(
            lines[0],
            "raft demo  3 nodes, heartbeat 50.0 ms, election timeout 500 ms"
        );
        assert_eq!(lines[1], "node 1 leads term 4");
        assert_eq!(
            lines[3],
            "node process state    role         term leader lease      round  dgram/s bytes/s"
        );
        // 200 of 400 ms of the lease are left.
        assert_eq!(
            lines[4],
            "  1          dead     leader       4    1      █████      123"
        );
        assert_eq!(
            lines[5],
            "> 2          dead     follower     4    1                 123"
        );
        assert_eq!(
            lines[6],
            "  3          dead     precandidate 4    -                 123"
        );
        assert!(lines[23].starts_with(
            "k kill leader  ↑↓ choose  x kill  r restart  p pause  c cut off  q quit"
        ));
    }

    #[test]
    fn a_lease_runs_out_before_the_eyes() {
        let mut stage = Stage::new();
        stage.nodes[0].status = Some((Duration::from_secs(8), status("leader", Some(1), 0.3)));
        assert!(stage.draw(80, 24, None)[4].contains(" over "));
    }

    #[test]
    fn the_time_without_a_leader_is_counted() {
        let mut stage = Stage::new();
        stage.ledger.strike(
            Process { node: 1, start: 0 },
            Blow::Killed,
            Duration::from_millis(8600),
        );
        assert_eq!(
            stage.draw(80, 24, None)[1],
            "node 1 was killed: no leader for 500 ms"
        );
        stage.ledger.ended(Process { node: 2, start: 0 });
        assert!(stage.draw(80, 24, None)[1].ends_with("no majority is left: restart a node"));
    }

    #[test]
    fn failovers_and_the_newest_of_the_log_are_listed() {
        let mut stage = Stage::new();
        stage.ledger.strike(
            Process { node: 1, start: 0 },
            Blow::Killed,
            Duration::from_millis(5500),
        );
        stage.say(
            Process { node: 2, start: 0 },
            6140,
            News::LeadershipGained { term: 5 },
        );
        stage.say(
            Process { node: 2, start: 0 },
            6141,
            News::Active { term: 5 },
        );
        stage.journal = (0..100)
            .map(|number| Entry {
                at: Duration::from_secs(number),
                node: None,
                tone: Tone::Plain,
                text: format!("entry {number}"),
            })
            .collect();
        let lines = stage.draw(80, 24, Some(7));
        let all = lines.join("\n");
        assert!(
            all.contains("failovers, 1 of 7") && all.contains("  1 1→2   641 ms killed"),
            "{all}"
        );
        assert!(
            all.contains("entry 99") && !all.contains("entry 80"),
            "{all}"
        );
        assert_eq!(lines[23], "q quit");
        assert!(!all.contains('>'), "nothing to choose");
    }

    #[test]
    fn no_size_is_too_small() {
        for (width, height) in [(1, 1), (10, 3), (20, 8), (300, 100)] {
            Stage::new().draw(width, height, None);
        }
    }
}
