//! Questions of operators and their answers.

use std::time::Duration;

use raft_core::{NodeId, RoleKind, Term};
use raft_driver_mio::{DropReason, Opened, PeerReport};

use crate::nodes::{A, B, pair, sealed};

fn report() -> PeerReport {
    PeerReport {
        role: RoleKind::Leader,
        term: Term(u64::MAX),
        leader: Some(NodeId(u64::MAX)),
        lease: Some(Duration::MAX),
        paused: true,
        fit: false,
        witness: true,
        uptime: Duration::MAX,
        voters_reachable: 64,
        version: [u16::MAX; 3],
    }
}

#[test]
fn a_question_is_answered_by_no_more_bytes() {
    let (mut a, mut b) = pair(sealed);
    let question = a.seal_question(B).to_vec();
    assert_eq!(question.len(), 152, "the published size");
    assert_eq!(b.open(&question), Opened::Question { from: A });
    let answer = b.seal_report(A, &report()).to_vec();
    assert!(answer.len() <= question.len(), "{}", answer.len());
    let report = report();
    assert_eq!(a.open(&answer), Opened::Report { from: B, report });
}

#[test]
fn a_question_that_is_not_fresh_tells_nothing() {
    let (mut a, mut b) = pair(sealed);
    let recorded = a.seal_question(B).to_vec();
    b.renew_challenge();
    b.renew_challenge();
    let Opened::Stale { from, answer } = b.open(&recorded) else {
        panic!("it is taken for fresh");
    };
    assert_eq!(from, A);
    assert!(answer.len() < recorded.len());
    // Nor does one to a node that was restarted, or an answer that is played again.
    let answer = b.seal_report(A, &report()).to_vec();
    let mut again = sealed(B, 99);
    assert!(matches!(again.open(&recorded), Opened::Stale { .. }));
    a.renew_challenge();
    a.renew_challenge();
    assert!(matches!(a.open(&answer), Opened::Stale { .. }));
}

#[test]
fn whoever_has_no_key_asks_in_vain() {
    let (mut a, mut b) = pair(sealed);
    let question = a.seal_question(B).to_vec();
    for index in 0..question.len() {
        let mut forged = question.clone();
        forged[index] ^= 1;
        assert!(matches!(b.open(&forged), Opened::Dropped(_)), "{index}");
    }
    let mut third = sealed(NodeId(3), 1);
    assert_eq!(
        third.open(&question),
        Opened::Dropped(DropReason::OtherNode)
    );
}
