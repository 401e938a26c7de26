//! The instance is dead before another starts, whatever happens to those that watch over it.

use raft_driver_mio::control::Request;
use rustix::process::{Pid, Signal, kill_process};

use crate::common::{Hosts, Member, pids, runs, wait_until};
use crate::ledger::Active;

fn three(hosts: &Hosts) -> Vec<Member> {
    (1..=3).map(|id| hosts.start_instance(id, &[])).collect()
}

fn of<'a>(members: &'a mut [Member], active: &Active) -> &'a mut Member {
    let found = members.iter_mut().find(|member| member.id == active.node);
    found.expect("a member")
}

/// Does something to the leader, and waits for an instance on another host.
fn after(fault: impl FnOnce(&mut Member)) -> (Hosts, Vec<Member>, Active, Active) {
    let hosts = Hosts::new(3);
    let mut members = three(&hosts);
    let first = hosts.active_after(0);
    fault(of(&mut members, &first));
    let second = hosts.active_after(first.term);
    assert_ne!(first.node, second.node);
    (hosts, members, first, second)
}

#[test]
fn a_killed_supervisor_takes_the_instance_with_it() {
    let (hosts, ..) = after(Member::kill);
    assert_eq!(hosts.ledger().len(), 2);
}

#[test]
fn a_stopped_supervisor_does_not_keep_the_instance_alive() {
    let (hosts, mut members, first, second) = after(|leader| leader.signal(Signal::STOP));
    // It finds out when it goes on, and is a follower like any other.
    let former = of(&mut members, &first);
    former.signal(Signal::CONT);
    former.wait_for_log("event=program_killed");
    of(&mut members, &second).kill();
    let third = hosts.active_after(second.term);
    assert_ne!(third.node, second.node);
}

#[test]
fn a_leader_that_is_cut_off_kills_its_instance_before_another_starts() {
    let cut_off = |leader: &mut Member| {
        leader.ask(&Request::Isolate { on: true });
    };
    let (hosts, mut members, first, _) = after(cut_off);
    let former = of(&mut members, &first);
    former.wait_for_log("event=program_killed");
    former.ask(&Request::Isolate { on: false });
    assert_eq!(hosts.ledger().len(), 2);
}

#[test]
fn a_stopped_keeper_does_not_keep_the_instance_alive() {
    let (_, mut members, first, _) = after(|leader| {
        kill_process(leader.keeper(), Signal::STOP).expect("it runs");
        leader.ask(&Request::Isolate { on: true });
    });
    of(&mut members, &first).wait_for_log("event=keeper_overdue");
}

/// A program with a grandchild in its group and one that has left it, whose numbers it writes down.
const FAMILY: &str = "sleep 10000 & a=$!; setsid sleep 10000 & b=$!; \
                      printf '%s\\n' $$ $a $b > $TEST_LEDGER.new; mv $TEST_LEDGER.new $TEST_LEDGER; wait";

fn family(hosts: &Hosts, options: &[&str]) -> (Member, Vec<Pid>) {
    let member = hosts.start(1, options, &["sh", "-c", FAMILY]);
    let processes = pids(&hosts.path("ledger"), 3);
    (member, processes)
}

#[test]
fn grandchildren_end_with_the_program() {
    let hosts = Hosts::new(1);
    let (mut member, processes) = family(&hosts, &[]);
    member.kill();
    wait_until("all are dead", || !processes.iter().any(|pid| runs(*pid)));
}

// Its link is full in the end, and closed. Nobody may wait for it then: it would end nothing any more.
#[test]
fn a_keeper_that_reads_no_more_is_replaced_and_the_program_starts_again() {
    let hosts = Hosts::new(1);
    let (member, processes) = family(&hosts, &[]);
    let keeper = member.keeper();
    std::fs::remove_file(hosts.path("ledger")).expect("it was written");
    kill_process(keeper, Signal::STOP).expect("it runs");
    member.wait_for_log("event=keeper_lost");
    let again = pids(&hosts.path("ledger"), 3);
    assert!(!processes.iter().any(|pid| runs(*pid)));
    assert!(again.iter().all(|pid| runs(*pid)));
    assert_ne!(member.keeper(), keeper);
}

#[test]
fn grandchildren_end_with_a_killed_keeper_and_the_program_starts_again() {
    let hosts = Hosts::new(1);
    let (member, processes) = family(&hosts, &[]);
    let keeper = member.keeper();
    std::fs::remove_file(hosts.path("ledger")).expect("a file");
    kill_process(keeper, Signal::KILL).expect("it runs");
    let again = pids(&hosts.path("ledger"), 3);
    assert!(!processes.iter().any(|pid| runs(*pid)));
    assert!(again.iter().all(|pid| runs(*pid)));
    assert_ne!(member.keeper(), keeper);
}

// Those of the service that started us, say: they are none of ours, and are left alone.
#[test]
fn children_that_the_supervisor_had_already_are_spared_and_all_others_end() {
    let hosts = Hosts::new(1);
    let member = hosts.start_with_child(1, &["sh", "-c", FAMILY], "child");
    let child = pids(&hosts.path("child"), 1)[0];
    let processes = pids(&hosts.path("ledger"), 3);
    kill_process(member.keeper(), Signal::KILL).expect("it runs");
    member.wait_for_log("event=keeper_lost");
    let spared = runs(child);
    kill_process(child, Signal::KILL).expect("nobody has waited for it");
    assert!(spared, "it is none of the program's");
    assert!(!processes.iter().any(|pid| runs(*pid)));
}

#[test]
fn what_a_program_leaves_behind_is_killed() {
    let hosts = Hosts::new(1);
    let script = FAMILY.replace("; wait", "");
    let output = hosts.output(&[], &["sh", "-c", &script]);
    assert_eq!(output.status.code(), Some(0));
    let processes = pids(&hosts.path("ledger"), 3);
    assert!(!processes.iter().any(|pid| runs(*pid)));
}

#[test]
fn with_grace_the_instance_may_end_by_itself() {
    let hosts = Hosts::new(3);
    let program = "trap 'echo end >> $TEST_LEDGER; exit' TERM; echo start >> $TEST_LEDGER; \
                   while :; do sleep 0.01; done";
    let start = |id| {
        hosts.start(
            id,
            &["--grace=2s", "--kill-delay=3s"],
            &["sh", "-c", program],
        )
    };
    let members: Vec<Member> = (1..=3).map(start).collect();
    let ledger = || std::fs::read_to_string(hosts.path("ledger")).unwrap_or_default();
    wait_until("an instance", || !ledger().is_empty());
    let started = |member: &&Member| member.log().contains("event=program_started");
    wait_until("it is logged", || {
        members.iter().any(|member| started(&member))
    });
    let leader = members.iter().find(started).expect("a leader");
    leader.ask(&Request::Isolate { on: true });
    wait_until("another instance", || {
        ledger().lines().filter(|line| *line == "start").count() == 2
    });
    assert_eq!(ledger(), "start\nend\nstart\n");
}

#[test]
fn a_new_leader_waits_for_an_instance_that_has_a_long_grace() {
    let hosts = Hosts::new(3);
    // It goes on for as long as it can.
    let program = "trap '' TERM; while :; do echo $RAFT_TERM >> $TEST_LEDGER; sleep 0.01; done";
    let options = ["--grace=2s", "--kill-delay=4s"];
    let start = |id| hosts.start(id, &options, &["sh", "-c", program]);
    let members: Vec<Member> = (1..=3).map(start).collect();
    let terms = || -> Vec<u64> {
        let ledger = std::fs::read_to_string(hosts.path("ledger")).unwrap_or_default();
        ledger
            .lines()
            .filter_map(|line| line.parse().ok())
            .collect()
    };
    let started = |member: &&Member| member.log().contains("event=program_started");
    wait_until("an instance", || {
        members.iter().any(|member| started(&member))
    });
    wait_until("it writes", || !terms().is_empty());
    let first = terms()[0];
    let leader = members.iter().find(started).expect("a leader");
    leader.ask(&Request::Isolate { on: true });
    wait_until("another instance", || terms().last() > Some(&first));
    leader.wait_for_log("event=program_killed");
    assert!(terms().is_sorted(), "{:?}", terms());
}
