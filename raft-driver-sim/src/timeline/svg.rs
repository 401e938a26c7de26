//! The still picture.

use core::fmt::Write as _;
use core::ops::Range;

use raft_core::{MessageKind, NodeId, RoleKind, Timer};

use super::page::escaped;
use super::{Arrow, Bar, Lane, Reign, Span, Timeline};

const STYLE: &str = include_str!("../view/picture.css");

const WIDTH: f64 = 960.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
/// From the top of one lane to the top of the next.
const PITCH: f64 = 92.0;
const LEASE: f64 = 3.0;
const BAND: f64 = 15.0;
const TIMER: f64 = 13.0;
/// How high a lane is: the lease, the band and the election timer.
const LANE: f64 = LEASE + 1.0 + BAND + 1.0 + TIMER;
/// How wide a letter is, about.
const LETTER: f64 = 6.2;

struct Drawing<'a> {
    timeline: &'a Timeline,
    window: Range<u64>,
    top: f64,
    svg: String,
}

impl Timeline {
    /// A still picture of what happened from `window.start` to `window.end`, in nanoseconds.
    pub fn svg(&self, window: Range<u64>) -> String {
        let window = window.start..window.end.min(self.end).max(window.start + 1);
        let cuts = self.cut_rows(&window);
        let top = 46.0
            + 12.0 * cuts.len() as f64
            + if self.header.notes.is_empty() {
                0.0
            } else {
                14.0
            };
        let mut drawing = Drawing {
            timeline: self,
            window,
            top,
            svg: String::new(),
        };
        let height = top + PITCH * (self.lanes.len() as f64 - 1.0) + LANE + 34.0;
        drawing.head(height);
        drawing.axis(height);
        for (row, (text, spans)) in cuts.iter().enumerate() {
            drawing.cut(row, text, spans);
        }
        for index in 0..self.lanes.len() {
            drawing.lane(index);
        }
        for arrow in &self.messages {
            drawing.arrow(arrow);
        }
        drawing.legend(height - 12.0);
        drawing.svg.push_str("</svg>\n");
        drawing.svg
    }

    /// The links that were cut in a window, a row each; both directions of a link are one row where they were cut together.
    fn cut_rows(&self, window: &Range<u64>) -> Vec<(String, Vec<Span>)> {
        let mut rows: Vec<(String, Vec<Span>)> = Vec::new();
        for cut in &self.cuts {
            if cut.span.to < window.start || cut.span.from > window.end {
                continue;
            }
            let both = self.cuts.iter().any(|other| {
                (other.span, other.sender, other.receiver) == (cut.span, cut.receiver, cut.sender)
            });
            if both && cut.sender > cut.receiver {
                continue;
            }
            let sign = if both { "×" } else { "↛" };
            let text = format!("{} {sign} {}", cut.sender, cut.receiver);
            match rows.iter_mut().find(|(other, _)| *other == text) {
                Some((_, spans)) => spans.push(cut.span),
                None => rows.push((text, vec![cut.span])),
            }
        }
        rows
    }
}

impl Drawing<'_> {
    fn x(&self, t: u64) -> f64 {
        let t = t.clamp(self.window.start, self.window.end);
        let passed = (t - self.window.start) as f64;
        let all = (self.window.end - self.window.start) as f64;
        LEFT + passed / all * (WIDTH - LEFT - RIGHT)
    }

    fn shows(&self, from: u64, to: u64) -> bool {
        from <= self.window.end && to >= self.window.start
    }

    fn lane_of(&self, node: NodeId) -> Option<&Lane> {
        self.timeline.lanes.iter().find(|lane| lane.node == node)
    }

    fn y(&self, node: NodeId) -> f64 {
        let lanes = &self.timeline.lanes;
        let index = lanes.iter().position(|lane| lane.node == node);
        self.top + PITCH * index.unwrap_or(0) as f64
    }

    fn head(&mut self, height: f64) {
        let header = &self.timeline.header;
        let title = escaped(header.title.as_deref().unwrap_or("A run of Raft"));
        let command = escaped(header.command.as_deref().unwrap_or_default());
        let _ = write!(
            self.svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n\
             <defs><pattern id=\"P\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\"><circle cx=\"2\" cy=\"2\" r=\"1.1\" class=\"p\"/></pattern>\
             <pattern id=\"C\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><path d=\"M0 6L6 0\" class=\"h\"/></pattern>\
             <pattern id=\"Z\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\"><path d=\"M0 0L4 4M0 4L4 0\" class=\"z\"/></pattern></defs>\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" class=\"b\"/>\n\
             <text x=\"8\" y=\"16\" class=\"t\">{title}</text>\n<text x=\"{}\" y=\"16\" class=\"n\" text-anchor=\"end\">{command}</text>\n",
            WIDTH - RIGHT
        );
    }

    fn axis(&mut self, height: f64) {
        let step = tick(self.window.end - self.window.start, 10);
        let mut t = self.window.start.div_ceil(step) * step;
        while t <= self.window.end {
            let x = self.x(t);
            let label = milliseconds(t);
            let _ = writeln!(
                self.svg,
                "<path d=\"M{x:.1} 36V{:.0}\" class=\"g\"/><text x=\"{x:.1}\" y=\"32\" class=\"n\" text-anchor=\"middle\">{label}</text>",
                height - 24.0
            );
            t += step;
        }
        for (t, note) in &self.timeline.header.notes {
            if self.shows(*t, *t) {
                let (x, y) = (self.x(*t), self.top - 8.0);
                let (anchor, dx) = if x > WIDTH * 0.8 {
                    ("end", -3.0)
                } else {
                    ("start", 3.0)
                };
                let _ = writeln!(
                    self.svg,
                    "<path d=\"M{x:.1} 36V{:.0}\" class=\"d\"/><text x=\"{:.1}\" y=\"{y:.0}\" class=\"d\" text-anchor=\"{anchor}\">{}</text>",
                    height - 24.0,
                    x + dx,
                    escaped(note)
                );
            }
        }
    }

    fn cut(&mut self, row: usize, text: &str, spans: &[Span]) {
        let y = 40.0 + 12.0 * row as f64;
        let _ = writeln!(
            self.svg,
            "<text x=\"8\" y=\"{:.0}\" class=\"n\">{text}</text>",
            y + 8.0
        );
        for span in spans {
            self.bar(span, y, 8.0, "z", None);
        }
    }

    fn bar(&mut self, span: &Span, y: f64, height: f64, class: &str, fill: Option<&str>) {
        if !self.shows(span.from, span.to) {
            return;
        }
        let (from, to) = (self.x(span.from), self.x(span.to));
        let width = (to - from).max(0.5);
        let fill = fill.map_or_else(String::new, |fill| format!(" style=\"fill:url(#{fill})\""));
        let _ = writeln!(
            self.svg,
            "<rect x=\"{from:.1}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{height}\" class=\"{class}\"{fill}/>"
        );
    }

    fn lane(&mut self, index: usize) {
        let lane: &Lane = &self.timeline.lanes[index];
        let y = self.top + PITCH * index as f64;
        let band = y + LEASE + 1.0;
        let _ = writeln!(
            self.svg,
            "<text x=\"8\" y=\"{:.0}\" class=\"t\">node {}</text><path d=\"M{LEFT} {:.1}H{:.0}\" class=\"g\"/>",
            band + 11.0,
            lane.node,
            band + BAND / 2.0,
            WIDTH - RIGHT
        );
        for span in &lane.leases {
            self.bar(span, y, LEASE, "l", None);
        }
        for reign in &lane.roles {
            self.reign(reign, band);
        }
        for span in &lane.pauses {
            self.bar(span, band, BAND, "k", Some("Z"));
        }
        for bar in &lane.timers {
            self.timer(bar, band + BAND + 1.0);
        }
        for span in &lane.writes {
            if self.shows(span.from, span.to) {
                let width = (self.x(span.to) - self.x(span.from)).max(2.0);
                let x = self.x(span.from);
                let y = band + BAND - 3.0;
                let _ = writeln!(
                    self.svg,
                    "<rect x=\"{x:.1}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"6\" class=\"w\"/>"
                );
            }
        }
        // Where a reign ends and none follows at once, the node went down.
        for (number, reign) in lane.roles.iter().enumerate() {
            let next = lane.roles.get(number + 1).map(|next| next.span.from);
            let end = reign.span.to;
            if next != Some(end) && end < self.timeline.end && self.shows(end, end) {
                let (x, y) = (self.x(end), band + BAND / 2.0);
                self.cross(x, y, 6.0, "c");
            }
        }
    }

    fn reign(&mut self, reign: &Reign, y: f64) {
        let Reign { span, role, term } = *reign;
        if !self.shows(span.from, span.to) {
            return;
        }
        let (class, letter) = match role {
            RoleKind::Follower => ("f", 'F'),
            RoleKind::PreCandidate => ("pc", 'P'),
            RoleKind::Candidate => ("ca", 'C'),
            RoleKind::Leader => ("le", 'L'),
        };
        self.bar(&span, y, BAND, class, None);
        match role {
            RoleKind::PreCandidate => self.bar(&span, y, BAND, "o", Some("P")),
            RoleKind::Candidate => self.bar(&span, y, BAND, "o", Some("C")),
            RoleKind::Follower | RoleKind::Leader => {}
        }
        let (from, to) = (self.x(span.from), self.x(span.to));
        let long = format!("{}, term {term}", role);
        let texts = [long, format!("{letter}{term}"), term.to_string()];
        let fits = |text: &&String| text.len() as f64 * LETTER + 4.0 < to - from;
        if let Some(text) = texts.iter().find(fits) {
            let _ = writeln!(
                self.svg,
                "<text x=\"{:.1}\" y=\"{:.0}\" class=\"{class}t\">{text}</text>",
                from + 3.0,
                y + 11.0
            );
        }
    }

    /// A wedge that shrinks to nothing when the timer is due, cut off where it was set anew.
    fn timer(&mut self, bar: &Bar, y: f64) {
        let Bar { span, due, .. } = *bar;
        if bar.timer != Timer::Election || !self.shows(span.from, span.to) || span.from == span.to {
            return;
        }
        let left = |t: u64| {
            let all = due.saturating_sub(span.from).max(1) as f64;
            TIMER * due.saturating_sub(t) as f64 / all
        };
        let (from, to) = (
            span.from.max(self.window.start),
            span.to.min(self.window.end),
        );
        let (x0, x1) = (self.x(from), self.x(to));
        let (h0, h1) = (left(from), left(to));
        let class = if bar.fired { "e x" } else { "e" };
        let _ = writeln!(
            self.svg,
            "<path d=\"M{x0:.1} {y:.0}v{h0:.1}L{x1:.1} {:.1}V{y:.0}Z\" class=\"{class}\"/>",
            y + h1
        );
    }

    fn arrow(&mut self, arrow: &Arrow) {
        let ends = arrow.ends.unwrap_or(arrow.sent);
        let (class, dashed) = kind_class(arrow.kind);
        let (source, target) = (self.y(arrow.from), self.y(arrow.to));
        let down = target > source;
        if ends < self.window.start || arrow.sent > self.window.end || source == target {
            return;
        }
        let (y0, y1) = if down {
            (source + LANE, target)
        } else {
            (source, target + LANE)
        };
        let (x0, mut x1) = (self.x(arrow.sent), self.x(ends));
        // Of who has no trace nobody knows when it received anything.
        let traced = self.lane_of(arrow.to).is_none_or(|lane| lane.traced);
        let known = !traced
            || arrow
                .ends
                .is_some_and(|ends| ends > arrow.sent || arrow.taken.is_some());
        let mut y_end = y1;
        if !known {
            // It was lost on its way: nobody knows where.
            (x1, y_end) = (x0 + 5.0, y0 + (y1 - y0).signum() * 24.0);
        } else if ends > self.window.end {
            let part = (self.window.end - arrow.sent) as f64 / (ends - arrow.sent) as f64;
            y_end = y0 + (y1 - y0) * part;
        }
        let dash = if dashed { " q" } else { "" };
        let _ = writeln!(
            self.svg,
            "<path d=\"M{x0:.1} {y0:.0}L{x1:.1} {y_end:.0}\" class=\"m {class}{dash}\"/>"
        );
        if arrow.lost || !known {
            self.cross(x1, y_end, 3.0, "c");
        } else if ends <= self.window.end {
            let (dx, dy) = (x1 - x0, y_end - y0);
            let length = (dx * dx + dy * dy).sqrt().max(0.1);
            let (ux, uy) = (dx / length * 6.0, dy / length * 6.0);
            let (px, py) = (-uy / 2.6, ux / 2.6);
            let _ = writeln!(
                self.svg,
                "<path d=\"M{x1:.1} {y_end:.1}l{:.1} {:.1}l{:.1} {:.1}Z\" class=\"a {class}\"/>",
                px - ux,
                py - uy,
                -2.0 * px,
                -2.0 * py
            );
        }
    }

    fn cross(&mut self, x: f64, y: f64, size: f64, class: &str) {
        let _ = writeln!(
            self.svg,
            "<path d=\"M{:.1} {:.1}l{s} {s}m0 -{s}l-{s} {s}\" class=\"{class}\"/>",
            x - size / 2.0,
            y - size / 2.0,
            s = size
        );
    }

    fn legend(&mut self, y: f64) {
        let mut x = LEFT;
        let mut item = |svg: &mut String, sign: &dyn Fn(f64) -> String, text: &str| {
            let _ = writeln!(
                svg,
                "{}<text x=\"{:.0}\" y=\"{y}\" class=\"n\">{text}</text>",
                sign(x),
                x + 20.0
            );
            x += 30.0 + text.len() as f64 * 5.4;
        };
        let band = |x: f64, class: &str, fill: &str| {
            let place = format!(
                "x=\"{x:.0}\" y=\"{:.0}\" width=\"16\" height=\"9\"",
                y - 8.0
            );
            format!(
                "<rect {place} class=\"{class}\"/><rect {place} class=\"o\" style=\"fill:{fill}\"/>"
            )
        };
        let line = |x: f64, class: &str| {
            format!(
                "<path d=\"M{x:.0} {:.0}h16\" class=\"m {class}\"/>",
                y - 3.0
            )
        };
        let svg = &mut self.svg;
        item(svg, &|x| band(x, "f", "none"), "follower");
        item(svg, &|x| band(x, "pc", "url(#P)"), "pre-candidate");
        item(svg, &|x| band(x, "ca", "url(#C)"), "candidate");
        item(svg, &|x| band(x, "le", "none"), "leader");
        item(svg, &|x| band(x, "l", "none"), "lease");
        item(svg, &|x| band(x, "e", "none"), "election timer");
        item(svg, &|x| line(x, "ae"), "heartbeat");
        item(svg, &|x| line(x, "rv"), "vote");
        item(svg, &|x| line(x, "pv"), "pre-vote");
        item(svg, &|x| line(x, "ae q"), "answers dashed");
        item(svg, &|x| band(x, "w", "none"), "write");
    }
}

/// The class of a message's line, and whether it is an answer.
const fn kind_class(kind: MessageKind) -> (&'static str, bool) {
    match kind {
        MessageKind::RequestVote => ("rv", false),
        MessageKind::RequestVoteResponse => ("rv", true),
        MessageKind::AppendEntries => ("ae", false),
        MessageKind::AppendEntriesResponse => ("ae", true),
        MessageKind::RequestPreVote => ("pv", false),
        MessageKind::RequestPreVoteResponse => ("pv", true),
        MessageKind::TimeoutNow => ("tn", false),
    }
}

/// A round distance between at most so many marks.
fn tick(span: u64, most: u64) -> u64 {
    let mut step = 1;
    loop {
        for factor in [1, 2, 5] {
            let step: u64 = step * factor;
            if span / step <= most {
                return step;
            }
        }
        step *= 10;
    }
}

fn milliseconds(nanos: u64) -> String {
    if nanos >= 1_000_000_000 || nanos == 0 {
        format!("{} s", nanos as f64 / 1e9)
    } else {
        format!("{} ms", nanos as f64 / 1e6)
    }
}
