---------------------------- MODULE RaftElection ----------------------------
(* The election protocol of raft-core, in a box of nodes, terms and rounds: plain Raft (section 5.2 of the paper)  *)
(* and the default protocol, which adds pre-vote, a two-part election timeout with leader stickiness,              *)
(* check-quorum, rounds of heartbeats and what they confirm, leadership transfer, and pause.                       *)
(*                                                                                                                *)
(* There is no clock: a timer that is set may fire at any time. The network is the set of all messages ever sent,  *)
(* so a message may be lost, delayed, reordered, repeated and replayed. A node may crash after any prefix of the  *)
(* effects of a step; it comes back with what its disk holds.                                                     *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Node,       \* The voters, a set of model values.
    None,       \* Nobody.
    Standard,   \* TRUE: the default protocol. FALSE: plain Raft.
    MaxTerm,    \* A step to a higher term is not taken, nor does a node in this term ask for pre-votes.
    MaxRound,   \* A step to a later round of a term is not taken.
    Questions,  \* 0: a pre-vote question goes by the term asked about. Otherwise questions are numbered for each
                \* node, across its crashes, and a step to a higher number is not taken.
    Crashes,    \* Whether nodes crash.
    Transfers,  \* Whether leaders are asked to hand over.
    Pauses,     \* Whether nodes are paused and resumed.
    Forget      \* Whether messages that can no longer matter are left out of `sent`: see Dead.

ASSUME Forget => Questions = 0

VARIABLES
    node,       \* What each node may do next.
    disk,       \* What each node's disk holds: currentTerm and votedFor.
    sent,       \* All messages ever sent.
    promises,   \* History: the answers of each node to leaders' rounds since part one of its timeout last ended.
    lease       \* History: the lease that each node held when it learnt of a higher term or crashed.

vars == <<node, disk, sent, promises, lease>>

IsMajority(set) == 2 * Cardinality(set) > Cardinality(Node)
Nobody == [j \in Node |-> 0]
Max(set) == CHOOSE x \in set : \A y \in set : y <= x
Permuted == Permutations(Node)

-----------------------------------------------------------------------------
(* A node. Fields that a role does not have are at rest: see Resting.           *)

Resting == [part |-> 0, granted |-> {}, stoodBack |-> FALSE, handedOver |-> FALSE, answered |-> Nobody, confirmed |-> 0,
            transfer |-> None]

Follower(n, part) ==  \* Becomes, or goes on as, a follower whose timeout begins with `part`.
    [Resting EXCEPT !.part = IF Standard THEN part ELSE 2] @@
        [n EXCEPT !.role = "follower", !.timers = {"election"}]

\* Part one comes first after a crash, so that a restarted voter cannot break a promise that it forgot.
Restored(hard, questions) ==
    Follower([term |-> hard.term, vote |-> hard.vote, leader |-> None, round |-> 0, role |-> "", timers |-> {},
              paused |-> FALSE, questions |-> questions] @@ Resting, 1)

Hard(n) == [term |-> n.term, vote |-> n.vote]
InPartOne(n) == n.role = "follower" /\ n.part = 1
Leads(n) == n.role = "leader"
Campaigns(n) == n.role \in {"pre-candidate", "candidate"}

Enter(n, term, vote) == [n EXCEPT !.term = term, !.vote = vote, !.leader = None, !.round = 0]

\* Section 5.1. A follower's timeout goes on as it is.
Learn(n, term) ==
    LET m == Enter(n, term, None) IN
    CASE Leads(n) -> Follower(m, 1)
      [] Campaigns(n) -> Follower(m, 2)
      [] OTHER -> m

-----------------------------------------------------------------------------
(* The result of a step: the node, and the effects to be carried out in order. *)

Persist(n) == <<[hard |-> {Hard(n)}, msgs |-> {}]>>
Send(msgs) == IF msgs = {} THEN <<>> ELSE <<[hard |-> {}, msgs |-> msgs]>>
Result(n, effects) == {[node |-> n, effects |-> effects]}
Nothing == {}

\* Largest round that a majority has answered.
Confirmable(answered) ==
    Max({0} \union {r \in {answered[j] : j \in Node} : IsMajority({j \in Node : answered[j] >= r})})

Confirm(n) == IF Confirmable(n.answered) > n.confirmed THEN [n EXCEPT !.confirmed = Confirmable(n.answered)] ELSE n

Heartbeats(i, n) ==
    {[type |-> "AppendEntries", from |-> i, to |-> j, term |-> n.term, round |-> n.round] : j \in Node \ {i}}

\* A leader begins a round. Plain Raft promises nothing, so it counts no answers.
BeginRound(i, n) ==
    LET m == [n EXCEPT !.round = @ + 1] IN
    IF Standard THEN Confirm([m EXCEPT !.answered[i] = m.round]) ELSE m

ElectedLeader(i, n) ==
    BeginRound(i, Resting @@ [n EXCEPT !.role = "leader", !.leader = i,
                                       !.timers = IF Standard THEN {"election", "heartbeat"} ELSE {"heartbeat"}])

VoteRequests(i, n) ==
    IF n.role = "candidate"
    THEN {[type |-> "RequestVote", from |-> i, to |-> j, term |-> n.term, handedOver |-> n.handedOver]
            : j \in Node \ n.granted}
    ELSE {[type |-> "RequestPreVote", from |-> i, to |-> j, term |-> n.term + 1,
           question |-> IF Questions = 0 THEN n.term + 1 ELSE n.questions] : j \in Node \ n.granted}

\* Figure 2, candidates, on conversion. It is the same for a successor to whom a leader hands over, but for a mark.
StartCandidacy(i, n, handedOver) ==
    LET entered == Resting @@ Enter(n, n.term + 1, i)
        c == [entered EXCEPT !.role = "candidate", !.timers = {"election", "repeat"}, !.granted = {i},
                             !.handedOver = handedOver]
    IN
    IF IsMajority({i})
    THEN LET l == ElectedLeader(i, c) IN Result(l, Persist(l) \o Send(Heartbeats(i, l)))
    ELSE Result(c, Persist(c) \o Send(VoteRequests(i, c)))

\* Pre-vote (thesis section 9.6).
AskFirst(i, n) ==
    LET c == [(Resting @@ n) EXCEPT !.role = "pre-candidate", !.timers = {"election", "repeat"}, !.granted = {i},
                                    !.questions = IF Questions = 0 THEN 0 ELSE @ + 1] IN
    IF IsMajority({i}) THEN StartCandidacy(i, c, FALSE) ELSE Result(c, Send(VoteRequests(i, c)))

-----------------------------------------------------------------------------
(* Timers. *)

ElectionTimeout(i, n) ==
    CASE InPartOne(n) -> Result(Follower(n, 2), <<>>)
      [] Leads(n) -> Result(Follower(n, 2), <<>>)  \* Check-quorum, or the end of a transfer. The vote stays.
      [] n.paused /\ n.role = "follower" -> Result([n EXCEPT !.timers = {}], <<>>)
      [] OTHER -> IF Standard THEN AskFirst(i, n) ELSE StartCandidacy(i, n, FALSE)

HeartbeatTimeout(i, n) ==
    LET m == BeginRound(i, n) IN Result(m, Send(Heartbeats(i, m)))

RepeatTimeout(i, n) ==
    Result(n, Send(IF Leads(n) THEN {[type |-> "TimeoutNow", from |-> i, to |-> n.transfer, term |-> n.term]}
                               ELSE VoteRequests(i, n)))

-----------------------------------------------------------------------------
(* Messages. *)

Reply(m, fields) == Send({[from |-> m.to, to |-> m.from] @@ fields})

\* A node that knows the leader of a term grants nobody else in it; nor does one that voted.
MayVote(n, m) == m.term > n.term \/ (n.leader \in {None, m.from} /\ n.vote \in {None, m.from})

\* Stickiness: the node refuses without even learning the term.
Sticks(n, m) ==
    \/ m.term < n.term
    \/ Standard /\ Leads(n) /\ ~m.handedOver
    \/ InPartOne(n) /\ ~m.handedOver /\ ~(m.term = n.term /\ n.vote = m.from)

\* Only the successor that a leader asked for may depose it.
Impossible(n, m) ==
    Standard /\ Leads(n) /\ m.handedOver /\ m.term >= n.term /\ (n.transfer = None \/ m.term # n.term + 1)

OnRequestVote(n, m) ==
    LET answer(k, granted) == Reply(m, [type |-> "RequestVoteResponse", term |-> k.term, granted |-> granted])
        voted == Follower(IF m.term > n.term THEN Enter(n, m.term, m.from) ELSE [n EXCEPT !.vote = m.from], 1)
    IN CASE Impossible(n, m) -> Nothing
         [] Sticks(n, m) -> Result(n, answer(n, FALSE))
         [] ~MayVote(n, m) -> Result(n, answer(n, FALSE))
         [] m.term = n.term /\ n.vote = m.from -> Result(n, answer(n, TRUE))
         [] OTHER -> Result(voted, Persist(voted) \o answer(voted, TRUE))

\* It promises nothing. But a pre-candidate that grants a rival asks anew, once, so that the two do not split the vote.
OnRequestPreVote(i, n, m) ==
    LET granted == ~Leads(n) /\ ~InPartOne(n) /\ m.term > n.term
        standsBack == granted /\ n.role = "pre-candidate" /\ ~n.stoodBack
        later == [n EXCEPT !.granted = {i}, !.stoodBack = TRUE, !.questions = IF Questions = 0 THEN 0 ELSE @ + 1] IN
    Result(IF standsBack THEN later ELSE n, Reply(m, [type |-> "RequestPreVoteResponse", term |-> n.term, question |-> m.question,
                        granted |-> granted]))

\* What any response teaches.
OnHigherTerm(n, m) == LET k == Learn(n, m.term) IN Result(k, Persist(k))

OnRequestVoteResponse(i, n, m) ==
    LET c == [n EXCEPT !.granted = @ \union {m.from}]
        l == ElectedLeader(i, c)
    IN CASE m.term > n.term -> OnHigherTerm(n, m)
         [] n.role # "candidate" \/ m.term < n.term \/ ~m.granted -> Nothing
         [] IsMajority(c.granted) -> Result(l, Send(Heartbeats(i, l)))
         [] OTHER -> Result(c, <<>>)

OnRequestPreVoteResponse(i, n, m) ==
    LET c == [n EXCEPT !.granted = @ \union {m.from}]
        present == m.question = IF Questions = 0 THEN n.term + 1 ELSE n.questions
    IN CASE m.term > n.term -> OnHigherTerm(n, m)
         [] n.role # "pre-candidate" \/ ~present \/ ~m.granted -> Nothing
         [] IsMajority(c.granted) -> StartCandidacy(i, n, FALSE)
         [] OTHER -> Result(c, <<>>)

\* Only a round newer than all seen in the term counts. The round belongs to the term, not to the role.
OnAppendEntries(n, m) ==
    LET answer(k, success) == Reply(m, [type |-> "AppendEntriesResponse", term |-> k.term, success |-> success,
                                        round |-> m.round, canCampaign |-> ~k.paused])
        entered == IF m.term > n.term THEN Enter(n, m.term, None) ELSE n
        follows == Follower([entered EXCEPT !.leader = m.from, !.round = m.round], 1)
    IN CASE m.term < n.term -> Result(n, answer(n, FALSE))
         [] m.term = n.term /\ (n.leader \notin {None, m.from} \/ m.round <= n.round) -> Nothing
         [] OTHER -> Result(follows, (IF m.term > n.term THEN Persist(follows) ELSE <<>>) \o answer(follows, TRUE))

OnAppendEntriesResponse(n, m) ==
    LET counts == Standard /\ Leads(n) /\ n.transfer = None /\ m.term = n.term /\ m.success
    IN CASE m.term > n.term -> OnHigherTerm(n, m)
         [] counts /\ m.round <= n.round /\ m.round > n.answered[m.from] ->
                Result(Confirm([n EXCEPT !.answered[m.from] = m.round]), <<>>)
         [] OTHER -> Nothing

\* Thesis section 3.10: a candidacy without pre-vote, in exactly the next term.
OnTimeoutNow(i, n, m) ==
    LET k == IF m.term > n.term THEN Learn(n, m.term) ELSE n IN
    CASE m.term < n.term -> Nothing
      [] m.term = n.term /\ n.leader \notin {None, m.from} -> Nothing
      [] n.paused -> Result(k, IF m.term > n.term THEN Persist(k) ELSE <<>>)
      [] OTHER -> StartCandidacy(i, k, TRUE)

OnMessage(i, n, m) ==
    CASE m.type = "RequestVote" -> OnRequestVote(n, m)
      [] m.type = "RequestVoteResponse" -> OnRequestVoteResponse(i, n, m)
      [] m.type = "RequestPreVote" -> OnRequestPreVote(i, n, m)
      [] m.type = "RequestPreVoteResponse" -> OnRequestPreVoteResponse(i, n, m)
      [] m.type = "AppendEntries" -> OnAppendEntries(n, m)
      [] m.type = "AppendEntriesResponse" -> OnAppendEntriesResponse(n, m)
      [] m.type = "TimeoutNow" -> OnTimeoutNow(i, n, m)

-----------------------------------------------------------------------------
(* Requests of the embedder. *)

\* The lease is void, nothing is confirmed any more, and heartbeats end: there is no way back.
HandOver(n, to) ==
    Result([n EXCEPT !.transfer = to, !.answered = Nobody, !.timers = {"election", "repeat"}], <<>>)

OnPause(n) ==
    LET m == [n EXCEPT !.paused = TRUE] IN Result(IF Campaigns(n) THEN Follower(m, 2) ELSE m, <<>>)

OnResume(n) ==
    LET m == [n EXCEPT !.paused = FALSE] IN
    Result(IF n.role = "follower" /\ n.part = 2 THEN Follower(m, 2) ELSE m, <<>>)

-----------------------------------------------------------------------------
(* The lease that a node holds as a leader, or held: a set of one or none. A handover voids it.                   *)

Held(i) ==
    LET n == node[i] IN
    IF Leads(n) /\ n.transfer = None /\ n.confirmed > 0
    THEN {[term |-> n.term, round |-> n.confirmed, voters |-> {j \in Node : n.answered[j] >= n.confirmed}]}
    ELSE lease[i]

\* To answer a round is to promise not to vote against its leader before part one has ended once more. Of promises to
\* the same leader only the newest counts.
WithNew(old, msgs) ==
    LET new == {[leader |-> m.to, term |-> m.term, round |-> m.round]
                  : m \in {a \in msgs : Standard /\ a.type = "AppendEntriesResponse" /\ a.success}}
        all == old \union new
    IN {p \in all : \A q \in all : q.leader = p.leader /\ q.term = p.term => q.round <= p.round}

(* Messages that can no longer matter. Terms never fall, so what a higher term rules out is ruled out for good.   *)
(* The explorer forgets the same ones and argues for each; here the reduction makes it possible to compare larger  *)
(* boxes with it. Boxes without it show that nothing is lost.                                                      *)
Dead(m, nodes) ==
    LET to == nodes[m.to]
        from == nodes[m.from]
        past == to.term > m.term
        reached == to.term >= m.term
        \* An answer to a round that may still move a leader.
        counts == /\ Standard /\ Leads(to) /\ to.transfer = None
                  /\ to.confirmed < m.round \/ to.answered[m.from] < m.round
    IN CASE m.type \in {"RequestVote", "AppendEntries"} -> past /\ from.term >= MaxTerm
         [] m.type = "RequestPreVote" -> reached /\ from.term >= MaxTerm
         \* A paused node does not campaign, but learns the term.
         [] m.type = "TimeoutNow" -> past \/ (m.term >= MaxTerm /\ (reached \/ ~Pauses))
         [] m.type = "RequestVoteResponse" ->
                reached /\ (m.granted => (past \/ to.role # "candidate") /\ from.term > m.term)
         [] m.type = "RequestPreVoteResponse" -> reached /\ (m.granted => to.term >= m.question)
         [] m.type = "AppendEntriesResponse" -> reached /\ (m.success => past \/ ~counts)

Living(msgs, nodes) == IF Forget THEN {m \in msgs : ~Dead(m, nodes)} ELSE msgs

InBox(n) ==
    /\ n.term <= MaxTerm
    /\ n.round <= MaxRound
    /\ ~(n.role = "pre-candidate" /\ n.term >= MaxTerm)
    /\ n.questions <= Questions

\* Carries a step out, in full or up to a crash.
Take(i, results) == \E result \in results :
    LET before == node[i]
        after == result.node
        count == Len(result.effects)
        lapsed == InPartOne(before) /\ after.role = "follower" /\ after.part = 2
        steppedDown == Leads(before) /\ ~Leads(after) /\ after.term = before.term
        written(k) == UNION {result.effects[e].hard : e \in 1..k}
        said(k) == UNION {result.effects[e].msgs : e \in 1..k}
        keeps == IF lapsed THEN {} ELSE promises[i]
        \* A step writes at most once.
        Carry(k, n, l) ==
            /\ node' = [node EXCEPT ![i] = n]
            /\ disk' = IF written(k) = {} THEN disk ELSE [disk EXCEPT ![i] = CHOOSE h \in written(k) : TRUE]
            /\ sent' = Living(sent \union said(k), node')
            /\ promises' = [promises EXCEPT ![i] = WithNew(keeps, said(k))]
            /\ lease' = [lease EXCEPT ![i] = l]
    IN  /\ InBox(after)
        /\ \/ Carry(count, after, IF lapsed \/ steppedDown \/ Leads(after) THEN {} ELSE Held(i))
           \/ /\ Crashes
              /\ \E k \in 1..(count - 1) :
                    LET hard == IF written(k) = {} THEN disk[i] ELSE CHOOSE h \in written(k) : TRUE IN
                    Carry(k, Restored(hard, after.questions), IF lapsed \/ steppedDown THEN {} ELSE Held(i))

Crash(i) ==
    /\ Crashes
    /\ node' = [node EXCEPT ![i] = Restored(disk[i], node[i].questions)]
    /\ lease' = [lease EXCEPT ![i] = Held(i)]
    /\ sent' = Living(sent, node')
    /\ UNCHANGED <<disk, promises>>

Election(i) == "election" \in node[i].timers /\ Take(i, ElectionTimeout(i, node[i]))
Heartbeat(i) == "heartbeat" \in node[i].timers /\ Take(i, HeartbeatTimeout(i, node[i]))
Repeat(i) == "repeat" \in node[i].timers /\ Take(i, RepeatTimeout(i, node[i]))
Transfer(i) ==
    /\ Transfers /\ Standard /\ Leads(node[i]) /\ node[i].transfer = None
    /\ \E to \in Node \ {i} : Take(i, HandOver(node[i], to))
Pause(i) == Pauses /\ ~node[i].paused /\ Take(i, OnPause(node[i]))
Resume(i) == Pauses /\ node[i].paused /\ Take(i, OnResume(node[i]))
Receive(i) == \E m \in sent : m.to = i /\ Take(i, OnMessage(i, node[i], m))

Init ==
    /\ disk = [i \in Node |-> [term |-> 0, vote |-> None]]
    /\ node = [i \in Node |-> Restored([term |-> 0, vote |-> None], 0)]
    /\ sent = {}
    /\ promises = [i \in Node |-> {}]
    /\ lease = [i \in Node |-> {}]

Next == \E i \in Node :
    \/ Crash(i) \/ Election(i) \/ Heartbeat(i) \/ Repeat(i)
    \/ Transfer(i) \/ Pause(i) \/ Resume(i) \/ Receive(i)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* What must hold. `sent` is a history of all that was ever said.               *)

\* All <<voter, candidate, term>>: a candidate votes for itself.
Votes == {<<m.from, m.from, m.term>> : m \in {a \in sent : a.type = "RequestVote"}}
    \union {<<m.from, m.to, m.term>> : m \in {a \in sent : a.type = "RequestVoteResponse" /\ a.granted}}

\* All <<leader, term>> that lead or ever led.
Led == {<<m.from, m.term>> : m \in {a \in sent : a.type = "AppendEntries"}}
    \union {<<i, node[i].term>> : i \in {j \in Node : Leads(node[j])}}

ElectionSafety == \A a, b \in Led : a[2] = b[2] => a[1] = b[1]

OneVoteATerm == \A a, b \in Votes : a[1] = b[1] /\ a[3] = b[3] => a[2] = b[2]

VotesDurable ==
    /\ \A v \in Votes : LET d == disk[v[1]] IN d.term > v[3] \/ (d.term = v[3] /\ d.vote = v[2])
    /\ \A i \in Node : disk[i] = Hard(node[i])

\* As long as nobody of the majority that confirmed a round has let its promise lapse, no other node leads in a later term.
OneLease == \A i \in Node : \A l \in Held(i) :
    LET stands(j) == \E p \in promises[j] : p.leader = i /\ p.term = l.term /\ p.round >= l.round IN
    (\A j \in l.voters \ {i} : stands(j)) => \A a \in Led : a[1] # i => a[2] <= l.term

From(i, type, Agrees(_)) == {i} \union {m.from : m \in {a \in sent : a.type = type /\ a.to = i /\ Agrees(a)}}

\* Power rests on majorities that said so: asked only where no message is forgotten.
QuorumBacked == \A i \in Node : LET n == node[i] IN
    /\ n.role = "candidate" /\ Standard /\ ~n.handedOver /\ Questions = 0 =>
        LET agrees(m) == m.granted /\ m.question = n.term IN IsMajority(From(i, "RequestPreVoteResponse", agrees))
    /\ Leads(n) =>
        LET agrees(m) == m.granted /\ m.term = n.term IN IsMajority(From(i, "RequestVoteResponse", agrees))
    /\ Leads(n) /\ n.confirmed > 0 =>
        LET agrees(m) == m.success /\ m.term = n.term /\ m.round >= n.confirmed
        IN IsMajority(From(i, "AppendEntriesResponse", agrees))

\* What is true of every node by itself: State::check of raft-core.
StateInvariants == \A i \in Node : LET n == node[i] IN
    /\ n.term = 0 => n.vote = None /\ n.leader = None
    /\ (n.leader # None) = (n.round > 0)
    /\ ~Standard => ~InPartOne(n) /\ n.confirmed = 0
    /\ Campaigns(n) => ~n.paused /\ i \in n.granted /\ n.granted \subseteq Node /\ ~IsMajority(n.granted)
    /\ n.role = "candidate" => n.vote = i /\ n.leader = None
    /\ Leads(n) => n.vote = i /\ n.leader = i
    /\ Leads(n) /\ Standard /\ n.transfer = None =>
        /\ n.answered[i] = n.round
        /\ \A j \in Node : n.answered[j] <= n.round
        /\ n.confirmed <= Confirmable(n.answered)
    /\ n.leader = i => n.vote = i

\* Terms never fall, and a vote stands for the rest of its term, on the disk too.
TermsAndVotes == [][\A i \in Node :
    /\ node'[i].term >= node[i].term
    /\ disk'[i].term = disk[i].term /\ disk[i].vote # None => disk'[i].vote = disk[i].vote]_vars
=============================================================================
