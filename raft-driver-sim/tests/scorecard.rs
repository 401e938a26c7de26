//! The scorecard: what the published one says, with fewer seeds.

use raft_core::Protocol;
use raft_driver_sim::scorecard::{Card, Ours, Row, Sizes};

fn value(row: &Row, name: &str) -> f64 {
    row.cell(name)
        .unwrap_or_else(|| panic!("{}: no cell {name}", row.title))
        .value
}

fn row<'a>(card: &'a Card, title: &str) -> &'a Row {
    card.rows
        .iter()
        .find(|row| row.title.starts_with(title))
        .unwrap_or_else(|| panic!("no row {title}"))
}

#[test]
fn the_same_seeds_give_the_same_card() {
    let sizes = Sizes {
        crashes: 10,
        steady: 1,
        steady_seconds: 5,
        spurious: 1,
        spurious_seconds: 10,
        bad: 1,
        bad_seconds: 5,
    };
    let card = || Card::measure(&Ours(Protocol::Standard), sizes);
    assert_eq!(card(), card());
}

#[test]
fn failover_takes_little_more_than_a_timeout_also_where_a_third_of_all_messages_is_lost() {
    let card = Card::measure(&Ours(Protocol::Standard), Sizes::QUICK);
    for nodes in [3, 5, 7] {
        for loss in [0, 10, 30] {
            let row = row(&card, &format!("{nodes} nodes, {loss} % loss"));
            let median = value(row, "crash to leader, median (ms)");
            assert!((250.0..450.0).contains(&median), "{row}");
            assert!(value(row, "won in one term (%)") >= 90.0, "{row}");
        }
    }
    for nodes in [3, 5, 7] {
        let quiet = row(&card, &format!("{nodes} nodes, 0 % loss"));
        assert_eq!(value(quiet, "leader changes, max"), 0.0);
        assert_eq!(value(quiet, "time without a leader (%)"), 0.0);
        // Ten rounds a second, each of a message and an answer for every follower.
        let messages = 20.0 * (nodes - 1) as f64 / nodes as f64;
        let counted = value(quiet, "messages a second and node");
        assert!((counted - messages).abs() < 0.2, "{quiet}");
    }
}

#[test]
fn on_every_bad_network_somebody_leads_whom_a_majority_can_answer_and_nothing_changes() {
    let card = Card::measure(&Ours(Protocol::Standard), Sizes::QUICK);
    let mut networks = 0;
    for row in card.rows.iter().filter(|row| row.title.starts_with('S')) {
        networks += 1;
        assert_eq!(
            value(row, "available in the second half (%)"),
            100.0,
            "{row}"
        );
        assert_eq!(
            value(row, "leader changes a minute, second half"),
            0.0,
            "{row}"
        );
        assert!(value(row, "terms grown") <= 2.0, "{row}");
    }
    assert_eq!(networks, 8);
    // The measure can tell: plain Raft keeps a deaf leader, and a chain makes its leaders change.
    let plain = Card::measure(&Ours(Protocol::Plain), Sizes::QUICK);
    let deaf = row(&plain, "S7");
    assert_eq!(value(deaf, "available in the second half (%)"), 0.0);
    let chain = row(&plain, "S4");
    assert!(
        value(chain, "leader changes a minute, second half") > 30.0,
        "{chain}"
    );
}
