//! Work that may wait for the node's thread, which may wait for its disk for ever: it is done on a thread of its own, so that
//! whoever asks for it never waits.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// One kind of such work. Done one at a time; asked for while it waits to begin, it is done once.
#[derive(Debug)]
pub(crate) struct Aside(SyncSender<()>);

impl Aside {
    /// Does `work` whenever that is asked for, until it cannot be asked for any more.
    pub(crate) fn start(name: &str, mut work: impl FnMut() + Send + 'static) -> io::Result<Aside> {
        let (sender, asked) = sync_channel(1);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || asked.iter().for_each(|()| work()))?;
        Ok(Aside(sender))
    }

    pub(crate) fn ask(&self) {
        // It fails if it is to be done already.
        let _ = self.0.try_send(());
    }
}
