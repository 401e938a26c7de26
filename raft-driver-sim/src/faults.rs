//! What can be done to a [`World`]: crashes, pauses, cut links, clocks and disks.

use core::time::Duration;

use raft_core::{Event, LogPosition, NodeId};

use crate::clock::ClockRate;
use crate::disk::DiskOptions;
use crate::network::Conditions;
use crate::node::Interrupt;
use crate::observer::{Fault, Observer};
use crate::settings::Settings;
use crate::world::World;

/// Faults. All take effect at once; what makes no sense (to crash a node that is down) does nothing.
impl<O: Observer> World<O> {
    /// The node's machine stops, and forgets what is not on its disk. A write that is under way is there afterwards or it is
    /// not; so is one that was under way when the process was killed, if it has not started again.
    pub fn crash(&mut self, node: NodeId) {
        let index = self.index(node);
        let ran = self.stop(index);
        let disk = &mut self.nodes[index].disk;
        if ran || disk.is_syncing() {
            disk.crash();
            self.fault(index, Fault::Crash);
        }
    }

    /// The node's process stops, and its machine goes on. A write that is under way is visible afterwards or it is not; what is
    /// visible is synced when the process starts again.
    pub fn kill(&mut self, node: NodeId) {
        let index = self.index(node);
        if self.stop(index) {
            self.nodes[index].disk.kill();
            self.fault(index, Fault::Kill);
        }
    }

    /// The node crashes after so many more actions: also in the middle of a step's, which is where it hurts.
    pub fn crash_after_actions(&mut self, node: NodeId, actions: u32) {
        self.interrupt(node, actions, true);
    }

    /// The node starts from what its disk holds, if it is down.
    pub fn restart(&mut self, node: NodeId) {
        let index = self.index(node);
        if self.nodes[index].process.is_none() {
            self.fault(index, Fault::Restart);
            self.start(index);
        }
    }

    /// The node's process stands still while its clock goes on: a stopped process, a long collection of garbage. Messages
    /// wait, up to a socket's buffer.
    pub fn pause(&mut self, node: NodeId) {
        let index = self.index(node);
        let node = &mut self.nodes[index];
        if node.process.is_some() && !node.stands_still {
            node.stands_still = true;
            self.fault(index, Fault::Pause);
        }
    }

    /// The node's process stands still after so many more actions.
    pub fn pause_after_actions(&mut self, node: NodeId, actions: u32) {
        self.interrupt(node, actions, false);
    }

    /// The node's process goes on: first its timers that are due, then the messages that waited.
    pub fn resume(&mut self, node: NodeId) {
        let index = self.index(node);
        if core::mem::take(&mut self.nodes[index].stands_still) {
            self.fault(index, Fault::Resume);
            self.serve(index);
        }
    }

    /// The node's clock runs at this rate from now on. Once a clock is beyond the drift that leases
    /// allow for, the checker no longer looks at leases in this world.
    pub fn set_clock_rate(&mut self, node: NodeId, rate: ClockRate) {
        let index = self.index(node);
        self.fault(index, Fault::ClockRate(rate));
        if !rate.is_within_lease_drift() {
            self.checker.forgive_leases();
        }
        let now = self.now;
        let node = &mut self.nodes[index];
        node.clock.set_rate(rate, now);
        node.wake = None;
        self.schedule_wake(index);
    }

    /// The node's clock goes on by so much at once. After that the checker no longer looks at leases in this world.
    pub fn leap_clock(&mut self, node: NodeId, by: Duration) {
        let index = self.index(node);
        self.fault(index, Fault::ClockLeap(by));
        self.checker.forgive_leases();
        let now = self.now;
        let node = &mut self.nodes[index];
        node.clock.leap(by, now);
        node.wake = None;
        self.serve(index);
    }

    /// The node's disk behaves like this from the next write on.
    pub fn set_disk(&mut self, node: NodeId, options: DiskOptions) {
        let index = self.index(node);
        self.nodes[index].disk.options = options;
    }

    /// The node's log ends here from now on, durably. It is for the caller to see that logs make sense.
    pub fn set_log_tail(&mut self, node: NodeId, last_log: LogPosition) {
        let index = self.index(node);
        self.fault(index, Fault::LogTail(last_log));
        self.nodes[index].disk.last_log = last_log;
        self.tell(index, Event::LogTailMoved(last_log));
    }

    /// The node is asked to hand its leadership over ([`Event::TransferLeadership`]).
    pub fn transfer_leadership(&mut self, node: NodeId, to: Option<NodeId>, stopped: bool) {
        let index = self.index(node);
        self.tell(index, Event::TransferLeadership { to, stopped });
    }

    /// The node votes, but does not campaign, until [`World::let_campaign`] or a restart ([`Event::Pause`]).
    pub fn keep_from_campaigning(&mut self, node: NodeId) {
        let index = self.index(node);
        self.tell(index, Event::Pause);
    }

    /// The node may campaign again ([`Event::Resume`]).
    pub fn let_campaign(&mut self, node: NodeId) {
        let index = self.index(node);
        self.tell(index, Event::Resume);
    }

    /// What `from` sends to `to` is lost from now on.
    pub fn cut_one_way(&mut self, from: NodeId, to: NodeId) {
        self.set_cut(from, to, true);
    }

    /// What `from` sends to `to` arrives again.
    pub fn heal_one_way(&mut self, from: NodeId, to: NodeId) {
        self.set_cut(from, to, false);
    }

    /// What the two nodes send to each other is lost from now on.
    pub fn cut(&mut self, a: NodeId, b: NodeId) {
        self.set_cut(a, b, true);
        self.set_cut(b, a, true);
    }

    /// What the two nodes send to each other arrives again.
    pub fn heal(&mut self, a: NodeId, b: NodeId) {
        self.set_cut(a, b, false);
        self.set_cut(b, a, false);
    }

    /// Cuts a node off from all others, both ways.
    pub fn isolate(&mut self, node: NodeId) {
        for other in self.node_ids() {
            self.cut(node, other);
        }
    }

    /// Only nodes of the same group hear each other; a node that is in no group hears nobody.
    pub fn partition(&mut self, groups: &[&[NodeId]]) {
        for a in self.node_ids() {
            for b in self.node_ids() {
                let together = |group: &&[NodeId]| group.contains(&a) && group.contains(&b);
                self.set_cut(a, b, !groups.iter().any(together));
            }
        }
    }

    /// No link is cut any more.
    pub fn heal_all(&mut self) {
        for a in self.node_ids() {
            for b in self.node_ids() {
                self.set_cut(a, b, false);
            }
        }
    }

    /// Ends all faults: every node runs and may campaign, its clock keeps true time, its disk and all links
    /// are as these settings say. What was sent before is still under way, however late.
    pub fn calm(&mut self, settings: &Settings) {
        self.heal_all();
        self.set_conditions(settings.requests, settings.responses);
        for node in self.node_ids() {
            let index = self.index(node);
            self.nodes[index].interrupt = None;
            for other in self.node_ids() {
                self.set_link_conditions(node, other, None);
            }
            self.set_disk(node, settings.disk);
            self.set_clock_rate(node, ClockRate::TRUE);
            self.resume(node);
            self.restart(node);
            self.let_campaign(node);
        }
    }

    /// How requests and responses travel from now on, where a link has no conditions of its own.
    pub fn set_conditions(&mut self, requests: Conditions, responses: Conditions) {
        self.network.requests = requests;
        self.network.responses = responses;
    }

    /// How messages travel on one link in one direction; `None` for what holds everywhere.
    pub fn set_link_conditions(
        &mut self,
        from: NodeId,
        to: NodeId,
        conditions: Option<Conditions>,
    ) {
        let (from, to) = (self.index(from), self.index(to));
        self.network.set_conditions(from, to, conditions);
    }

    /// Ends the process, and returns whether it ran.
    fn stop(&mut self, index: usize) -> bool {
        let node = &mut self.nodes[index];
        let ran = node.process.take().is_some();
        if ran {
            node.stands_still = false;
            node.interrupt = None;
            node.wake = None;
        }
        ran
    }

    fn interrupt(&mut self, node: NodeId, after_actions: u32, crash: bool) {
        let index = self.index(node);
        self.nodes[index].interrupt = Some(Interrupt {
            after_actions,
            crash,
        });
    }

    fn set_cut(&mut self, from: NodeId, to: NodeId, is_cut: bool) {
        let (from_index, to_index) = (self.index(from), self.index(to));
        if from != to && self.network.is_cut(from_index, to_index) != is_cut {
            self.network.set_cut(from_index, to_index, is_cut);
            let fault = if is_cut {
                Fault::Cut { to }
            } else {
                Fault::Heal { to }
            };
            self.fault(from_index, fault);
        }
    }
}
