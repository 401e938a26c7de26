//! The committed inputs as pictures.

use std::path::Path;

use raft_core::{Config, NodeId, Options};
use raft_driver_sim::timeline::{Header, Timeline};
use raft_driver_sim::{Fault, Happening, Observer, Time};
use raft_fuzz::{PICTURED, picture};

#[test]
fn every_seed_of_a_node_can_be_drawn() {
    for (target, record) in PICTURED {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("seeds")
            .join(target);
        let (mut drawn, mut moments) = (0, 0);
        for entry in std::fs::read_dir(&folder).expect("a folder of seeds") {
            let path = entry.expect("a seed").path();
            let bytes = std::fs::read(&path).expect("a seed");
            // What makes no node has no picture.
            let Some(recording) = record(&bytes) else {
                continue;
            };
            let name = path.display();
            assert_eq!(recording.header.failure, None, "{name}");
            let timeline = Timeline::new(&recording);
            assert!(timeline.lanes.iter().any(|lane| lane.traced), "{name}");
            drawn += 1;
            moments += timeline.moments.len();
        }
        assert!(
            drawn > 5 && moments > drawn,
            "{target}: {moments} moments in {drawn}"
        );
    }
}

#[test]
fn a_panic_ends_the_recording_and_is_its_failure() {
    let config = Config::new(NodeId(1), &[NodeId(1)], Options::default()).expect("valid");
    let recording = picture::record(Header::of_config(&config), |mut sketch| {
        let crash = Happening::Fault(Fault::Crash);
        sketch.observe(Time::from_nanos(7), NodeId(1), crash);
        panic!("node {} is wrong", 1)
    });
    assert_eq!(recording.header.failure.as_deref(), Some("node 1 is wrong"));
    assert_eq!(recording.records.len(), 1);
    assert!(recording.end() > 7, "the last moment can be seen");
}
