//! The node's answers to its control socket.

use serde_json::{Value, json};

use crate::control::{Answer, CHANGE_SCHEMA, Change, Request, refusal};
use crate::error::NodeError;
use crate::handle::Hold;
use crate::node::Node;

impl Node {
    /// Serves the control socket. A failed disk met on the way ends the node as it does anywhere else.
    pub(crate) fn serve_control(&mut self) -> Result<(), NodeError> {
        let Some(mut control) = self.control.take() else {
            return Ok(());
        };
        control.accept(self.poll.registry());
        let mut failed = Ok(());
        control.serve(|line| {
            self.answer(line).unwrap_or_else(|error| {
                failed = Err(error);
                Answer::Line(refusal("the node failed"))
            })
        });
        // Last, so that what was changed by the requests is told of too.
        control.announce(|| self.change());
        self.control = Some(control);
        failed
    }

    fn answer(&mut self, line: &[u8]) -> Result<Answer, NodeError> {
        let request = match serde_json::from_slice(line) {
            Ok(request) => request,
            Err(error) => {
                let error = format!("the request is not understood: {error}");
                return Ok(Answer::Line(refusal(&error)));
            }
        };
        let mut answer = json!({ "ok": true });
        match request {
            Request::Status => match serde_json::to_value(self.status()) {
                Ok(Value::Object(mut status)) => {
                    status.insert("ok".to_owned(), true.into());
                    answer = status.into();
                }
                Ok(_) | Err(_) => {
                    return Ok(Answer::Line(refusal("the status cannot be written")));
                }
            },
            Request::Isolate { on } => self.isolate(on),
            Request::Transfer { to } => match self.ask_for_transfer(to)? {
                Ok(to) => {
                    let stopping = self.asked.is_some();
                    let term = self.raft.state().current_term();
                    answer = json!({ "ok": true, "to": to, "term": term, "stopping": stopping });
                }
                Err(error) => return Ok(Answer::Line(refusal(&error.to_string()))),
            },
            Request::Pause => self.hold(Hold::Paused, true)?,
            Request::Resume => self.hold(Hold::Paused, false)?,
            Request::AskPeers => self.ask_peers(),
            Request::Watch => return Ok(Answer::Watch),
        }
        Ok(Answer::Line(answer.to_string()))
    }

    /// The state that watchers are told.
    fn change(&self) -> Change {
        let view = self.shared.view();
        Change {
            schema: CHANGE_SCHEMA,
            seq: view.seq,
            cluster: self.cluster.clone(),
            node_id: self.id,
            role: view.role,
            term: view.term,
            leader: view.leader,
            leader_address: view.leader.and_then(|leader| self.address_of(leader)),
            active: self.shared.active().is_some(),
            paused: self.held.paused,
            handing_over: view.hand_over.is_some(),
            lost: Change::lost(view.lost),
        }
    }
}
