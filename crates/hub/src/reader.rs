//! What lies open in a record's field groups, read for the exchange's views: the schema is known here, not there.

use commonroll_core::{Body, RecordKind};
use commonroll_exchange::{GroupState, SealedGroup};
use commonroll_wire::HEAD;

/// What a record says as far as its groups lie open; `None` if they can't be read.
pub(crate) fn read_body(kind: RecordKind, groups: &[SealedGroup]) -> Option<Body> {
    let open = groups.iter().filter(|group| group.number != HEAD).filter_map(|group| match &group.state {
        GroupState::Open { content, .. } => Some((group.number, content)),
        GroupState::Withheld(_) => None,
    });
    commonroll_wire::read_body(kind, open).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use commonroll_core::record::attendance::Physical;

    fn group(number: u32, content: &[u8]) -> SealedGroup {
        let state = GroupState::Open { salt: [0; 16], content: Bytes::copy_from_slice(content) };
        SealedGroup { number, state }
    }

    #[test]
    fn a_mark_is_read_as_far_as_it_lies_open() {
        // Presence: field 1 (physical) is 2, late; field 4 (minutes late) is 7.
        let presence = group(2, &[0x08, 0x02, 0x20, 0x07]);
        let code = SealedGroup { number: 3, state: GroupState::Withheld([9; 32]) };
        let head = group(HEAD, b"not looked at");
        let body = read_body(RecordKind::Attendance, &[head.clone(), presence, code]).unwrap();
        let Body::Attendance(mark) = body else { panic!("a mark") };
        let presence = mark.presence.unwrap();
        assert_eq!((presence.physical, presence.minutes_late), (Physical::Late, Some(7)));
        assert!(mark.source_code.is_none(), "withheld");
        assert!(
            read_body(RecordKind::Attendance, &[head, group(2, &[0xff])]).is_none(),
            "nonsense is nothing"
        );
    }
}
