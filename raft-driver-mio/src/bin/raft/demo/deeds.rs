//! What is done to a node.

use super::control::Question;
use super::journal::Tone;
use super::ledger::Blow;
use super::now;
use super::run::Demo;

impl Demo {
    /// Kills a node, if it runs.
    pub(crate) fn kill(&mut self, id: u64) {
        let at = now();
        let leads = self.ledger.leader().filter(|(leader, _)| leader.node == id);
        let Some(node) = self.cluster.node(id) else {
            return;
        };
        let Some(mut running) = node.running.take() else {
            return;
        };
        let process = running.process;
        let pid = running.pid();
        node.gone();
        self.ledger.strike(process, Blow::Killed, at);
        let role = leads.map_or_else(String::new, |(_, term)| {
            format!("the leader of term {term}, ")
        });
        self.note_at(
            at,
            Some(id),
            Tone::Deed,
            format!("is killed: {role}process {pid}"),
        );
        if let Err(error) = running.kill() {
            self.ledger
                .problem(format!("node {id} cannot be killed: {error}"));
        }
        if !self.ledger.has_majority() {
            let text = "no majority runs: nobody can be elected until a node is back";
            self.note(None, Tone::Bad, text.to_owned());
        }
    }

    /// Stops a node with SIGSTOP, or lets it go on with SIGCONT.
    pub(crate) fn toggle_pause(&mut self, id: u64) {
        let at = now();
        let Some(node) = self.cluster.node(id) else {
            return;
        };
        let Some(running) = &node.running else { return };
        let (process, pause) = (running.process, !node.paused);
        if let Err(error) = running.pause(pause) {
            return self.note(Some(id), Tone::Bad, format!("cannot be paused: {error}"));
        }
        node.paused = pause;
        if pause {
            self.ledger.strike(process, Blow::Paused, at);
            self.note_at(at, Some(id), Tone::Deed, "is paused: SIGSTOP".into());
        } else {
            self.ledger.recovered(process);
            self.note_at(at, Some(id), Tone::Deed, "goes on: SIGCONT".into());
        }
    }

    /// Cuts a node off from the others, or connects it again.
    pub(crate) fn toggle_cut_off(&mut self, id: u64) {
        let Some(node) = self.cluster.node(id) else {
            return;
        };
        let on = !node.cut_off;
        if node.paused || !node.ready {
            return self.note(Some(id), Tone::Bad, "cannot listen now".into());
        }
        if let Some(running) = &mut node.running {
            running.ask(Question::Isolate(on));
        }
    }

    /// Starts a dead node again, with the state that it had.
    pub(crate) fn restart(&mut self, id: u64) {
        if self
            .cluster
            .node(id)
            .is_none_or(|node| node.running.is_some())
        {
            return;
        }
        match self.cluster.start(id, false) {
            Ok(()) => self.note(Some(id), Tone::Deed, "starts again".into()),
            Err(error) => self.ledger.problem(error.to_string()),
        }
    }
}
