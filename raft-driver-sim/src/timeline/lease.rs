//! While a leader held a lease.

use core::time::Duration;

use raft_core::{Action, Lease};

use super::Span;
use crate::time::Time;

#[derive(Default)]
pub(super) struct Held {
    lease: Option<Lease<Time>>,
    since: Option<u64>,
}

impl Held {
    pub(super) fn take(
        &mut self,
        t: u64,
        action: &Action,
        length: Option<u64>,
        spans: &mut Vec<Span>,
    ) {
        if let Action::LeadershipLost { .. } = action {
            self.end(t, spans);
        }
        let now = Time::from_nanos(t);
        let lease = self
            .lease
            .get_or_insert_with(|| Lease::new(length.map(Duration::from_nanos)));
        let held_until = lease.ends();
        lease.carry_out(action, || now);
        // A lease that ended before it was extended left a gap.
        if let Some(ends) = held_until.filter(|ends| *ends < now)
            && lease.ends() != held_until
            && let Some(from) = self.since.take()
        {
            let to = ends.as_nanos();
            spans.push(Span { from, to });
        }
        if lease.valid_at(now).is_some() && self.since.is_none() {
            self.since = Some(t);
        }
    }

    /// The lease is over at `t`, unless it ended by itself before.
    pub(super) fn end(&mut self, t: u64, spans: &mut Vec<Span>) {
        let ends = self.lease.take().and_then(|lease| lease.ends());
        if let (Some(from), Some(ends)) = (self.since.take(), ends) {
            let to = ends.as_nanos().min(t);
            spans.push(Span { from, to });
        }
    }
}
