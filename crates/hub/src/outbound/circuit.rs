//! A server that does not answer is left alone for a while: one message now and then finds out whether it is back.

use commonroll_core::Timestamp;

/// So often in a row it may be silent before it is left alone.
const FAILURES: u32 = 3;
/// For so long at first, and at most.
const PAUSE_US: (i64, i64) = (60_000_000, 600_000_000);

/// What is known of one server.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    failures: u32,
    until: Option<Timestamp>,
}

impl Circuit {
    /// True if a message may be tried there now. Of a silent server only one at a time: asking takes the turn.
    pub fn lets(&mut self, now: Timestamp) -> bool {
        if self.until.is_some_and(|until| now < until) {
            return false;
        }
        if self.until.is_some() {
            self.until = Some(now.plus_micros(PAUSE_US.0));
        }
        true
    }

    /// Takes whether it answered, whatever it said.
    pub fn answered(&mut self, answered: bool, now: Timestamp) {
        if answered {
            return *self = Self::default();
        }
        self.failures += 1;
        if let Some(more) = self.failures.checked_sub(FAILURES) {
            let pause = PAUSE_US.0.saturating_mul(1 << more.min(8)).min(PAUSE_US.1);
            self.until = Some(now.plus_micros(pause));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_server_is_left_alone_and_tried_by_one_message_at_a_time() {
        let at =
            |second: i64| Timestamp::from_micros("at", 1_789_372_800_000_000 + second * 1_000_000).unwrap();
        let mut server = Circuit::default();
        for second in 0..2 {
            server.answered(false, at(second));
            assert!(server.lets(at(second)) && server.lets(at(second)), "twice may be chance");
        }
        server.answered(false, at(2));
        assert!(!server.lets(at(61)));
        assert!(server.lets(at(62)) && !server.lets(at(62)), "one finds out");
        server.answered(false, at(63));
        assert!(!server.lets(at(182)) && server.lets(at(183)), "twice as long");
        server.answered(true, at(184));
        assert!(server.lets(at(184)) && server.lets(at(184)));
    }
}
