//! A node whose disk hangs: its thread stands still, and nothing else of the process.

use std::fs;
use std::sync::mpsc::channel;
use std::thread;

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid as NixPid;
use rustix::process::{Pid, Signal, kill_process};

use crate::common::{Hosts, Member, pids, runs, wait_until};

/// How the node waits for what happens.
const EPOLL: [i64; 2] = [
    nix::libc::SYS_epoll_pwait,
    #[cfg(target_arch = "x86_64")]
    nix::libc::SYS_epoll_wait,
];

/// Whether a thread that is stopped was waiting for what happens, where it holds no lock: it would hold none while it waits for
/// its disk either.
fn waited(process: Pid, thread: NixPid) -> bool {
    let call = fs::read_to_string(format!("/proc/{process}/task/{thread}/syscall"));
    let call = call.expect("who traces it may know");
    let number = call
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    number.is_some_and(|number| EPOLL.contains(&number))
}

/// Stops the node's thread for good.
fn hang(process: Pid) {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("/proc");
    let node = tasks.flatten().find(|task| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "raft-node")
    });
    let node = node.expect("the node's thread").file_name();
    let node = node.to_str().and_then(|name| name.parse().ok());
    let node = NixPid::from_raw(node.expect("a number"));
    let (sender, stopped) = channel();
    // Who traces a thread keeps it stopped while he lives, and must wait for its end, without which the process has none.
    thread::spawn(move || {
        ptrace::seize(node, ptrace::Options::empty()).expect("a descendant can be traced");
        let wait = || waitpid(node, Some(WaitPidFlag::__WALL));
        let stop = || {
            ptrace::interrupt(node).expect("it runs");
            wait().expect("it stops");
            waited(process, node)
        };
        while !stop() {
            ptrace::cont(node, None).expect("it is stopped");
        }
        sender.send(()).expect("somebody waits");
        while !matches!(
            wait(),
            Err(_) | Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..))
        ) {}
    });
    stopped.recv().expect("it stops");
}

#[test]
fn a_reload_that_waits_for_a_hung_node_does_not_keep_the_instance_alive() {
    let hosts = Hosts::new(1);
    let script = "echo $$ > $TEST_LEDGER.new; mv $TEST_LEDGER.new $TEST_LEDGER; exec sleep 10000";
    let member = hosts.start(1, &[], &["sh", "-c", script]);
    let instance = pids(&hosts.path("ledger"), 1)[0];
    member.wait_for_log("event=program_started");
    // Nobody but the supervisor can end the instance, when the keeper does not.
    kill_process(member.keeper(), Signal::STOP).expect("it runs");
    hang(member.pid());
    member.signal(Signal::HUP);
    member.wait_for_log("event=lease_lost");
    member.wait_for_log("event=keeper_overdue");
    wait_until("the instance is dead", || !runs(instance));
    // And it listens to signals.
    end(member);
}

#[test]
fn a_hand_over_that_waits_for_a_hung_node_can_be_ended() {
    let hosts = Hosts::new(1);
    let script = "echo $$ > $TEST_LEDGER.new; mv $TEST_LEDGER.new $TEST_LEDGER; exec sleep 10000";
    let member = hosts.start(1, &["--restart"], &["sh", "-c", script]);
    let instance = pids(&hosts.path("ledger"), 1)[0];
    member.wait_for_log("event=program_started");
    hang(member.pid());
    // On a machine that is busy enough the lease has ended first, and there is nothing to hand over.
    let _ = kill_process(instance, Signal::KILL);
    wait_until("the end is known", || {
        let log = member.log();
        log.contains("event=program_waits") || log.contains("event=program_killed")
    });
    end(member);
}

/// A node that hangs cannot stop: the second signal ends the process.
fn end(mut member: Member) {
    member.signal(Signal::TERM);
    member.wait_for_log("event=stopping");
    member.signal(Signal::TERM);
    assert_eq!(member.wait().code(), Some(128 + 15));
}

#[test]
fn signals_do_not_wait_for_a_hung_node() {
    let hosts = Hosts::new(1);
    let mut member = hosts.start_node(1, &[]);
    member.wait_for_log("event=lease_gained");
    hang(member.pid());
    member.signal(Signal::HUP);
    member.signal(Signal::USR2);
    member.signal(Signal::USR1);
    member.wait_for_log("event=status");
    member.signal(Signal::TERM);
    member.signal(Signal::INT);
    let code = member.wait().code();
    assert!([Some(128 + 15), Some(128 + 2)].contains(&code), "{code:?}");
}
