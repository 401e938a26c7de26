//! Names and reasons in words, for log lines and traces: what each `Display` writes.

macro_rules! in_words {
    ($($kind:ident { $($variant:ident => $words:literal,)+ })+) => {
        $(impl core::fmt::Display for $kind {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(match self {
                    $($kind::$variant => $words,)+
                })
            }
        })+
    };
}
pub(crate) use in_words;

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::{DropReason, MessageKind, RoleKind, TransferRefusal};

    #[test]
    fn words_fill_a_column_and_kinds_have_the_papers_names() {
        assert_eq!(format!("{:>9}|", RoleKind::Leader), "   leader|");
        assert_eq!(format!("{}", DropReason::Stale), "it is late or repeated");
        let refused = format!("{}", TransferRefusal::NotLeader);
        assert_eq!(refused, "this node does not lead");
        for kind in [
            MessageKind::RequestVote,
            MessageKind::RequestVoteResponse,
            MessageKind::AppendEntries,
            MessageKind::AppendEntriesResponse,
            MessageKind::RequestPreVote,
            MessageKind::RequestPreVoteResponse,
            MessageKind::TimeoutNow,
        ] {
            assert_eq!(format!("{kind}"), format!("{kind:?}"));
        }
    }
}
