//! How long the election of a leader may take when the faults are over, from the timing.

use core::time::Duration;

use super::Swarm;

/// The chance that a run of correct nodes takes longer than the bound: one in a thousand million.
const CHANCE: f64 = 1e-9;

impl Swarm {
    /// Within which time, once the faults are over and what they left has gone, all nodes must follow one leader.
    ///
    /// With the calm network's longest delay D and longest sync S, a node whose timeout ends leads after w = 4 D + 2 S at the
    /// latest (pre-vote, its own `Persist`, votes with theirs), if nobody else is under way: nothing is lost, and nodes whose log is behind
    /// or that never campaign can only refuse it. Somebody else is under way only if one of the other timeouts ends
    /// less than w after the first. They are uniform in [0, T) from some moment on; of m such numbers the two smallest are more
    /// than w apart with chance (1 - w/T)^m (for the first is x below a point and the others are above x + w). So an attempt fails with
    /// chance p <= 1 - (1 - w/T)^m at most, and the next begins afresh less than 2T later: a timeout, a candidacy and a pre-candidacy all
    /// last less than that. k attempts in a row fail with chance p^k, and k is chosen so that this is 10^-9.
    ///
    /// Before the first, an old leader that no majority answers may be in office for 2T and half an interval. One more attempt may be lost to a node in a higher
    /// term, which its refusal tells. After the last, heartbeats carry the news within D, or within an interval and D to a node that
    /// was a candidate of that term.
    pub fn recovery_bound(&self) -> Duration {
        let calm = self.calm_settings();
        let t = calm.options.election_timeout;
        let (delay, sync) = (calm.requests.delay_max, calm.disk.sync_max);
        let window = delay * 4 + sync * 2;
        let campaigners = calm.nodes - calm.witnesses.len();
        let attempts = attempts(window.as_secs_f64() / t.as_secs_f64(), campaigners);
        let heartbeat = calm.options.heartbeat_interval;
        t * 2 + heartbeat / 2 + (t * 2 + window) * (attempts + 1) + heartbeat + delay
    }
}

/// How many attempts in a row fail with less than [`CHANCE`], if the first of `campaigners` is alone for a share `window` of T.
fn attempts(window: f64, campaigners: usize) -> u32 {
    if campaigners <= 1 {
        return 1;
    }
    let fails = 1.0 - (1.0 - window).powi(campaigners as i32);
    (CHANCE.ln() / fails.ln()).ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_campaigners_and_slower_networks_need_more_attempts() {
        assert_eq!(attempts(0.06, 1), 1);
        // 1 - 0.94^2 = 0.1164, and 0.1164^9.64 = 10^-9.
        assert_eq!(attempts(0.06, 2), 10);
        // 1 - 0.94^9 = 0.427, and 0.427^24.35 = 10^-9.
        assert_eq!(attempts(0.06, 9), 25);
        assert!(attempts(0.2, 9) > 100);
    }

    #[test]
    fn the_bound_is_what_its_derivation_says() {
        let swarm = Swarm::with_nodes(3, 1);
        let t = swarm.settings.options.election_timeout;
        let heartbeat = swarm.settings.options.heartbeat_interval;
        // w = 0.06 T; 2 T, two attempts of 2.06 T, one interval and a half, and a delay of 0.01 T.
        let expected = t * 613 / 100 + heartbeat * 3 / 2;
        let bound = swarm.recovery_bound();
        assert!(
            bound.abs_diff(expected) < Duration::from_micros(1),
            "{bound:?}"
        );
    }
}
