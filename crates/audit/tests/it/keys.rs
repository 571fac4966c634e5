//! Keys: the vectors of RFC 8032, text forms, and secrets that stay secret.

use commonroll_audit::{KeyError, KeyId, PublicKey, SigningKey};

use crate::{hash, hex, key, unhex};

const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const SIGNATURE: &str = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

#[test]
fn signing_agrees_with_rfc_8032() {
    let key = SigningKey::from_seed(&hash(SEED)).unwrap();
    assert_eq!(key.public().to_hex(), PUBLIC);
    assert_eq!(hex(&key.sign(b"")), SIGNATURE);
    let signature = unhex(SIGNATURE).try_into().unwrap();
    assert_eq!(key.public().verify(b"", &signature), Ok(()));
    assert_eq!(key.public().verify(b"x", &signature), Err(KeyError::Signature));
}

#[test]
fn a_pkcs8_document_gives_the_same_key() {
    // RFC 8410, section 7: the fixed head of a version 1 document, then the seed.
    let document = [unhex("302e020100300506032b657004220420"), unhex(SEED)].concat();
    let key = SigningKey::from_pkcs8(&document).unwrap();
    assert_eq!(key.public().to_hex(), PUBLIC);
    assert_eq!(SigningKey::from_pkcs8(&document[1..]).unwrap_err(), KeyError::Private);
    assert_eq!(SigningKey::from_pkcs8(&[]).unwrap_err(), KeyError::Private);
}

#[test]
fn a_public_key_has_two_text_forms_and_both_parse() {
    let public = key(7).public();
    assert_eq!(public.to_string().parse(), Ok(public));
    assert_eq!(public.to_hex().parse(), Ok(public));
    assert_eq!(public.id().to_string().parse::<KeyId>(), Ok(public.id()));
    for wrong in ["", "AAAA", &public.to_hex().to_uppercase(), &public.to_hex()[1..], "é".repeat(32).as_str()]
    {
        assert_eq!(wrong.parse::<PublicKey>(), Err(KeyError::Public), "{wrong}");
    }
    assert_eq!("0123".parse::<KeyId>(), Err(KeyError::KeyId));
}

#[test]
fn a_signing_key_prints_its_id_and_no_more() {
    let key = SigningKey::from_seed(&hash(SEED)).unwrap();
    assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public().id()));
}

#[test]
fn bytes_that_are_no_key_verify_nothing() {
    for byte in 0..=255 {
        let public = PublicKey::from_bytes([byte; 32]);
        let signature = key(1).sign(b"a mark");
        assert!(public.verify(b"a mark", &signature).is_err());
    }
}

#[test]
fn a_key_that_would_accept_any_text_is_refused() {
    // Under the neutral element as key, this signature fits every text.
    let mut fits_all = [0; 64];
    fits_all[0] = 1;
    for weak in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        let public = PublicKey::from_bytes(hash(weak));
        assert_eq!(public.verify(b"a mark", &fits_all), Err(KeyError::Public), "{weak}");
    }
}
