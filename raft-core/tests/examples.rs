//! The programs in `examples/` do what they say: each elects a leader, kills it, elects another, and ends by
//! itself. Each gives up after a minute without a leader.

#[path = "../examples/threads.rs"]
mod threads;

#[cfg(feature = "wire")]
#[path = "../examples/tokio.rs"]
mod tokio_udp;

#[cfg(feature = "wire")]
#[path = "../examples/smol.rs"]
mod smol_udp;

#[cfg(feature = "wire")]
#[path = "../examples/groups/main.rs"]
mod groups;

#[test]
fn threads_elect_and_replace_leaders() {
    threads::main().unwrap();
}

#[cfg(feature = "wire")]
#[test]
fn tokio_tasks_elect_and_replace_a_leader() {
    tokio_udp::main().unwrap();
}

#[cfg(feature = "wire")]
#[test]
fn smol_futures_elect_and_replace_a_leader() {
    smol_udp::main().unwrap();
}

#[cfg(feature = "wire")]
#[test]
fn a_hundred_groups_survive_the_loss_of_each_of_two_hosts() {
    let heartbeat = std::time::Duration::from_millis(50);
    groups::run(&groups::Settings {
        groups: 100,
        heartbeat,
        measure: 2 * heartbeat,
    })
    .unwrap();
}
