//! Hand-overs in order.

use std::fs;

use raft_driver_mio::control::Request;
use raft_driver_mio::raft_core::NodeId;
use rustix::process::Signal;

use crate::common::{Hosts, Member, wait_until};

fn three(hosts: &Hosts) -> Vec<Member> {
    (1..=3).map(|id| hosts.start_instance(id, &[])).collect()
}

#[test]
fn sigterm_hands_over_and_the_next_one_starts_at_once() {
    let hosts = Hosts::new(3);
    let mut members = three(&hosts);
    let first = hosts.active_after(0);
    let index = members.iter().position(|member| member.id == first.node);
    let mut leader = members.remove(index.expect("a member"));
    leader.signal(Signal::TERM);
    assert_eq!(leader.wait().code(), Some(0));
    // No timeout had to end: it is the next term, and nobody waited.
    let second = hosts.active_after(first.term);
    assert_eq!(second.term, first.term + 1);
    let successor = members.iter().find(|member| member.id == second.node);
    successor
        .expect("a member")
        .wait_for_log("predecessor_stopped=true");
    // A follower has nothing to hand over.
    let follower = members.iter_mut().find(|member| member.id != second.node);
    let follower = follower.expect("a member");
    follower.signal(Signal::INT);
    assert_eq!(follower.wait().code(), Some(0));
}

#[test]
fn a_transfer_that_is_asked_for_stops_the_instance_first() {
    let hosts = Hosts::new(3);
    let members = three(&hosts);
    let first = hosts.active_after(0);
    let leader = members.iter().find(|member| member.id == first.node);
    let target = members.iter().find(|member| member.id != first.node);
    let (leader, target) = (leader.expect("a member"), target.expect("a member"));
    let to = Some(NodeId(target.id));
    let mut answer = serde_json::Value::Null;
    wait_until("somebody could take over", || {
        let asked = raft_driver_mio::control::client::ask(
            &hosts.path(&leader.id.to_string()),
            &Request::Transfer { to },
        );
        asked.map(|given| answer = given).is_ok()
    });
    assert_eq!(answer["to"], target.id);
    assert_eq!(answer["stopping"], true);
    let second = hosts.active_after(first.term);
    assert_eq!((second.term, second.node), (first.term + 1, target.id));
    target.wait_for_log("predecessor_stopped=true");
    leader.wait_for_log("event=program_ended");
}

/// Does not end when it is asked to.
const STUBBORN: &str = "trap '' TERM; trap 'echo usr1 >> $TEST_LEDGER' USR1; trap 'echo hup >> $TEST_LEDGER' HUP; \
                        echo start >> $TEST_LEDGER; while :; do sleep 0.01; done";

fn ledger(hosts: &Hosts) -> String {
    fs::read_to_string(hosts.path("ledger")).unwrap_or_default()
}

fn stubborn(hosts: &Hosts, options: &[&str]) -> Member {
    let member = hosts.start(1, options, &["sh", "-c", STUBBORN]);
    wait_until("it runs", || ledger(hosts) == "start\n");
    member
}

#[test]
fn a_stubborn_program_is_killed_after_the_stop_timeout() {
    let hosts = Hosts::new(1);
    let mut member = stubborn(&hosts, &["--stop-timeout=50ms"]);
    member.signal(Signal::TERM);
    assert_eq!(member.wait().code(), Some(0));
    assert!(member.log().contains("event=program_ended"));
    assert!(member.log().contains("status=137"), "{}", member.log());
}

#[test]
fn a_second_signal_kills_the_program() {
    let hosts = Hosts::new(1);
    let mut member = stubborn(&hosts, &["--stop-timeout=1h"]);
    member.signal(Signal::TERM);
    member.wait_for_log("event=stopping");
    member.signal(Signal::INT);
    assert_eq!(member.wait().code(), Some(130));
}

#[test]
fn signals_are_passed_on() {
    let hosts = Hosts::new(1);
    let member = stubborn(&hosts, &["--forward=hup,usr1"]);
    member.signal(Signal::USR1);
    wait_until("the signal", || ledger(&hosts).ends_with("usr1\n"));
    member.signal(Signal::HUP);
    wait_until("the other signal", || ledger(&hosts).ends_with("hup\n"));
    // Not in the list.
    member.signal(Signal::QUIT);
    member.signal(Signal::USR1);
    wait_until("the first signal again", || {
        ledger(&hosts) == "start\nusr1\nhup\nusr1\n"
    });
}
