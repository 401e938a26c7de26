//! Hosts that have something to stop before they give the leadership up.

use std::time::Duration;

use crate::common::{Cluster, PATIENCE, leader, led, others, status, wait_until};
use raft_driver_mio::raft_core::{
    LogIndex, LogPosition, LostReason, NodeId, Term, TransferRefusal,
};
use raft_driver_mio::{
    Handle, Instant, SettingsError, StartError, TransferError, View, start, takeover_wait,
};

/// Three nodes whose hosts have that long to stop their work.
fn hosts(cluster: &Cluster, stop_timeout: Duration) -> Vec<Handle> {
    let settings = cluster.members.iter().map(|member| {
        let mut settings = member.settings(true);
        settings.stop_timeout = Some(stop_timeout);
        settings
    });
    settings
        .map(|settings| start(settings).expect("a node"))
        .collect()
}

fn three() -> Cluster {
    Cluster::bind(3, "127.0.0.1").expect("the loopback")
}

#[test]
fn a_transfer_waits_for_the_host_and_the_successor_need_not_wait() {
    let cluster = three();
    let nodes = hosts(&cluster, PATIENCE * 10);
    let (first, term) = leader(&nodes);
    let target = others(&nodes, &first).remove(0);
    let mut states = first.subscribe();
    assert_eq!(first.transfer(Some(target.id())), Ok(target.id()));
    let asked = states
        .wait_for(PATIENCE, |view| view.hand_over.is_some())
        .and_then(|view| view.hand_over)
        .expect("an announcement");
    assert_eq!((asked.term, asked.to), (term, Some(target.id())));
    assert!(status(&first).handing_over);
    // It goes on leading, and extends its lease, for as long as its host needs.
    let lease = first.wait_lease(None, PATIENCE);
    let later = first.wait_lease(lease, PATIENCE);
    assert!(later > lease, "{later:?} is not after {lease:?}");
    assert_eq!(led(&first), Some(term));
    let again = TransferError::Refused(TransferRefusal::AlreadyStarted);
    assert_eq!(first.transfer(None), Err(again));

    assert_eq!(first.hand_over(None), Ok(target.id()));
    assert_eq!(first.lease(), None);
    assert_eq!(first.wait_lease(None, Duration::ZERO), None);
    assert_eq!(first.view().hand_over, None);
    let (second, next) = leader(&nodes);
    assert_eq!((second.id(), Some(next)), (target.id(), term.next()));
    let leadership = second.view().leadership.expect("a leadership");
    assert!(leadership.predecessor_stopped);
    assert!(leadership.may_start <= Instant::now());
}

#[test]
fn a_transfer_that_cannot_be_is_not_announced() {
    let cluster = three();
    let nodes = hosts(&cluster, PATIENCE * 10);
    let (first, _) = leader(&nodes);
    let refused = TransferError::Refused(TransferRefusal::UnknownTarget);
    assert_eq!(first.transfer(Some(NodeId(9))), Err(refused));
    assert_eq!(first.view().hand_over, None);
    let follower = others(&nodes, &first).remove(0);
    let refused = TransferError::Refused(TransferRefusal::NotLeader);
    assert_eq!(follower.transfer(None), Err(refused));
    assert_eq!(follower.hand_over(None), Err(refused));
}

#[test]
fn a_hand_over_that_nobody_can_take_any_more_is_withdrawn() {
    let cluster = three();
    let nodes = hosts(&cluster, PATIENCE * 10);
    let (first, term) = leader(&nodes);
    let rest = others(&nodes, &first);
    wait_until("it is asked for", || first.transfer(None).is_ok());
    rest.iter()
        .for_each(|node| node.pause().expect("a running node"));
    let refused = Err(TransferError::Refused(TransferRefusal::NobodyAnswered));
    wait_until("both have said so", || first.transfer(None) == refused);
    assert!(first.view().hand_over.is_some());
    assert_eq!(first.hand_over(None), refused);
    assert_eq!(first.view().hand_over, None);
    assert_eq!(led(&first), Some(term));
}

#[test]
fn a_host_that_does_not_stop_in_time_is_not_waited_for() {
    let cluster = three();
    let nodes = hosts(&cluster, Duration::from_millis(1));
    let (first, term) = leader(&nodes);
    first.transfer(None).expect("a transfer");
    // The one that was asked to, unless a busy machine kept it so long that another's timeout ended.
    let rest = others(&nodes, &first);
    let (second, next) = leader(&rest);
    assert!(next > term);
    let leadership = second.view().leadership.expect("a leadership");
    assert!(!leadership.predecessor_stopped, "nobody said so");
    assert_eq!(first.view().hand_over, None);
}

#[test]
fn an_unfit_node_is_not_elected_and_a_pause_is_another_matter() {
    let cluster = three();
    let nodes = cluster.start();
    for node in &nodes[..2] {
        node.set_fit(false).expect("a running node");
        node.pause().expect("a running node");
        node.resume().expect("a running node");
    }
    let (first, _) = leader(&nodes);
    // Whoever was elected before it heard that it is unfit hands over.
    if first.id() != nodes[2].id() {
        wait_until("the fit one takes over", || {
            let _ = first.transfer(Some(nodes[2].id()));
            nodes[2].lease().is_some()
        });
    }
    assert!(!status(&nodes[0]).fit && !status(&nodes[0]).paused && status(&nodes[2]).fit);
    // A leader does not choose the unfit to take over.
    let nobody = TransferError::Refused(TransferRefusal::NobodyAnswered);
    wait_until("both have said so", || {
        nodes[2].hand_over(None) == Err(nobody)
    });
    nodes[0].set_fit(true).expect("a running node");
    wait_until("it is asked again", || {
        nodes[2].transfer(None) == Ok(nodes[0].id())
    });
}

#[test]
fn a_long_kill_delay_is_waited_for_by_each_until_it_has_passed() {
    let cluster = three();
    let kill_delay = PATIENCE;
    let nodes: Vec<Handle> = cluster
        .members
        .iter()
        .map(|member| {
            let mut settings = member.settings(true);
            settings.kill_delay = kill_delay;
            start(settings).expect("a node")
        })
        .collect();
    let (first, _) = leader(&nodes);
    let wait = takeover_wait(first.config(), kill_delay);
    assert!(wait > Duration::ZERO);
    let may_start = |node: &Handle| node.view().leadership.expect("a leadership").may_start;
    assert!(may_start(&first) > Instant::now());
    assert_eq!(first.active(), None, "it leads, and must not start");
    assert!(!status(&first).active);
    // What ran before the first has not surely stopped, whatever the first says of its own work.
    first.hand_over(None).expect("a hand-over");
    let (second, _) = leader(&others(&nodes, &first));
    assert!(may_start(&second) > Instant::now());
    assert_eq!(second.active(), None);
}

#[test]
fn nodes_that_disagree_about_the_kill_delay_do_not_hear_each_other() {
    let cluster = Cluster::bind(2, "127.0.0.1").expect("the loopback");
    let nodes: Vec<Handle> = [Duration::ZERO, PATIENCE]
        .into_iter()
        .zip(&cluster.members)
        .map(|(kill_delay, member)| {
            let mut settings = member.settings(true);
            settings.kill_delay = kill_delay;
            start(settings).expect("a node")
        })
        .collect();
    wait_until("both have said so", || {
        let dropped = |node| status(node).dropped.contains_key("other_timing");
        nodes.iter().all(dropped)
    });
    let mut settings = cluster.members[0].settings(true);
    settings.kill_delay = Duration::MAX;
    let error = start(settings).expect_err("too long");
    let expected = matches!(error, StartError::Settings(SettingsError::KillDelay(_)));
    assert!(expected, "{error}");
}

/// Three nodes that prefer node 3, then node 2.
fn preferring(take_back: bool) -> (Cluster, Vec<Handle>) {
    let cluster = three();
    let start = |member: &crate::common::Member| {
        let mut settings = member.settings(true);
        settings.prefer = [3, 2].map(NodeId).into();
        settings.take_back = take_back;
        start(settings).expect("a node")
    };
    let nodes = cluster.members.iter().map(start).collect();
    (cluster, nodes)
}

#[test]
fn leadership_is_taken_back_only_if_that_is_asked_for() {
    for take_back in [false, true] {
        let (_cluster, nodes) = preferring(take_back);
        let (first, _) = leader(&nodes);
        let other = nodes[0].id();
        if first.id() != other {
            wait_until("the least preferred leads", || {
                let leading = nodes.iter().find(|node| node.lease().is_some());
                leading.is_some_and(|node| node.hand_over(Some(other)) == Ok(other))
            });
        }
        let (_, term) = leader(&nodes[..1]);
        if take_back {
            wait_until("the most preferred leads again", || {
                led(&nodes[2]) > Some(term)
            });
            // Nobody else in between.
            assert_eq!(led(&nodes[2]), term.next());
        } else {
            // As long as it would have taken.
            let lasts = nodes[0].config().election_timeout() * 12;
            let mut states = nodes[0].subscribe();
            let lost = states.wait_for(lasts, |view| view.leadership.is_none());
            assert!(lost.is_none(), "{lost:?}");
        }
    }
}

#[test]
fn a_preferred_node_that_cannot_win_is_not_asked_again_as_soon() {
    let cluster = Cluster::bind(2, "127.0.0.1").expect("the loopback");
    let start = |member: &crate::common::Member| {
        let mut settings = member.settings(true);
        settings.prefer = vec![NodeId(2)];
        settings.take_back = true;
        start(settings).expect("a node")
    };
    let one = start(&cluster.members[0]);
    // It votes for nobody whose log ends before, and so not for the preferred one.
    let last_log = LogPosition {
        term: Term(1),
        index: LogIndex(1),
    };
    one.log_tail_moved(last_log).expect("a running node");
    let _preferred = start(&cluster.members[1]);
    let mut states = one.subscribe();
    let gave_way = |term: Term| {
        move |view: &View| {
            let given = |(lost, reason)| lost >= term && reason == LostReason::Transfer;
            view.lost.is_some_and(given)
        }
    };
    let lost = states.wait_for(PATIENCE, gave_way(Term(0)));
    let (lost, _) = lost.and_then(|view| view.lost).expect("a try");
    let (_, term) = leader(std::slice::from_ref(&one));
    assert!(term > lost);
    // As long as the first try took, and longer.
    let lasts = one.config().election_timeout() * 13;
    let again = states.wait_for(lasts, gave_way(term));
    assert!(again.is_none(), "{again:?}");
}

#[test]
fn who_is_preferred_must_be_a_voter() {
    let cluster = three();
    for prefer in [vec![NodeId(9)], vec![NodeId(1), NodeId(1)]] {
        let mut settings = cluster.members[0].settings(true);
        settings.prefer = prefer;
        let error = start(settings).expect_err("nobody");
        let expected = matches!(error, StartError::Settings(SettingsError::Prefer(_)));
        assert!(expected, "{error}");
    }
    let mut settings = cluster.members[0].settings(true);
    settings.take_back = true;
    let error = start(settings).expect_err("nobody is preferred");
    assert!(error.to_string().contains("--prefer"), "{error}");
}
