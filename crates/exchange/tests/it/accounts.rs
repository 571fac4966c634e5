//! People who come in with their institution's own account: whose it is, what the provider may give, and how it ends.

use crate::world::*;
use commonroll_core::{LocalId, PersonId, Role};
use commonroll_exchange::*;
use std::{net::IpAddr, time::Duration};

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const HOUR: Duration = Duration::from_secs(3600);

fn says(institution: &str, subject: &str, roles: &[Role]) -> ProviderSays {
    ProviderSays {
        institution: slug(institution),
        issuer: format!("https://sign-in.{institution}.example"),
        subject: subject.to_owned(),
        name: "Perpetua Quillfeather".to_owned(),
        roles: roles.iter().copied().collect(),
        staff: Some(LocalId::parse("staff", "S1").unwrap()),
    }
}

fn person(number: u8) -> PersonId {
    PersonId([number; 16])
}

impl World {
    async fn signs_in(&self, says: &ProviderSays, fresh: u8) -> Result<PersonId, SignInError> {
        self.exchange.account(says.clone(), person(fresh), self.now()).await
    }

    fn roles(&self, id: PersonId) -> Vec<Role> {
        let speaker = self.exchange.person(id).unwrap();
        self.exchange.whoami(&speaker).unwrap().roles.into_iter().collect()
    }
}

#[tokio::test]
async fn a_provider_brings_in_its_teachers_and_takes_a_role_away_again() {
    let world = World::new().await;
    let both = says("kingsmead", "u-17", &[Role::Teacher, Role::Tutor]);
    let id = world.signs_in(&both, 70).await.unwrap();
    assert_eq!((id, world.roles(id)), (person(70), vec![Role::Teacher, Role::Tutor]));
    let size = world.log().await.len();
    assert_eq!(world.signs_in(&both, 71).await, Ok(id), "the same account is the same person");
    assert_eq!(world.log().await.len(), size, "and nothing has changed");

    let one = says("kingsmead", "u-17", &[Role::Teacher]);
    assert_eq!(world.signs_in(&one, 72).await, Ok(id));
    assert_eq!(world.roles(id), vec![Role::Teacher]);
    let none = says("kingsmead", "u-17", &[]);
    assert_eq!(world.signs_in(&none, 73).await, Err(SignInError::Ended));
    assert!(world.roles(id).is_empty(), "a role that the provider no longer gives is gone at once");

    let elsewhere = says("kingsmead", "u-18", &[Role::Teacher]);
    let other = world.signs_in(&elsewhere, 74).await.unwrap();
    assert_ne!(other, id, "the same staff id is no identity");
}

#[tokio::test]
async fn a_provider_gives_no_office_and_speaks_for_nobody_elses_people() {
    let world = World::new().await;
    let wants =
        says("kingsmead", "u-1", &[Role::Head, Role::DataManager, Role::ConsortiumLead, Role::Parent]);
    assert_eq!(world.signs_in(&wants, 70).await, Err(SignInError::Unknown));
    let mixed = says("kingsmead", "u-1", &[Role::DataManager, Role::Teacher]);
    let id = world.signs_in(&mixed, 70).await.unwrap();
    assert_eq!(world.roles(id), vec![Role::Teacher]);
    // The same issuer and subject, said by the settings to be another institution's.
    let moved = ProviderSays { institution: slug("ridgeway"), ..mixed.clone() };
    assert_eq!(world.signs_in(&moved, 71).await, Err(SignInError::Ended));
    // The same subject of another provider is somebody else.
    let namesake = says("ridgeway", "u-1", &[Role::Teacher]);
    assert_eq!(world.signs_in(&namesake, 72).await, Ok(person(72)));
}

#[tokio::test]
async fn an_invitation_makes_an_account_somebodys_once_and_for_the_right_institution() {
    let world = World::new().await;
    let who = PersonWanted {
        name: "Aurelia Thistlewood".to_owned(),
        roles: [Role::DataManager].into(),
        staff: None,
        learner: None,
    };
    let by = Inviter::Operator("operator");
    let fresh = ([60; 32], world.now());
    let invited = world.exchange.invite_person(&slug("kingsmead"), who, HOUR, by, fresh).await.unwrap();
    let account = says("kingsmead", "u-9", &[]);
    let joins = async |says: &ProviderSays, code: &str, number| {
        world.exchange.join_account(code, says.clone(), person(number), PEER, world.now()).await
    };
    assert_eq!(world.signs_in(&account, 70).await, Err(SignInError::Unknown));
    let wrong = says("ridgeway", "u-9", &[]);
    assert_eq!(joins(&wrong, &invited.code, 71).await, Err(JoinError::Refused));
    assert_eq!(joins(&account, "no-such-code", 71).await, Err(JoinError::Refused));
    let id = joins(&account, &invited.code, 71).await.unwrap();
    assert_eq!(world.roles(id), vec![Role::DataManager]);
    assert_eq!(joins(&account, &invited.code, 72).await, Err(JoinError::Refused), "a code is good once");
    // What the provider says gives somebody who was invited nothing, and takes nothing.
    let more = says("kingsmead", "u-9", &[Role::Teacher]);
    assert_eq!(world.signs_in(&more, 73).await, Ok(id));
    assert_eq!(world.roles(id), vec![Role::DataManager]);

    let teacher = world.signs_in(&says("kingsmead", "u-10", &[Role::Teacher]), 74).await.unwrap();
    let manager = world.exchange.person(id).unwrap();
    world.exchange.revoke_person((&manager, Role::DataManager), teacher, world.now()).await.unwrap();
    let back = world.signs_in(&says("kingsmead", "u-10", &[Role::Teacher]), 75).await;
    assert_eq!(back, Err(SignInError::Ended), "a provider doesn't let in again whom a person has revoked");
}

#[tokio::test]
async fn case_41_a_refused_sign_in_is_counted_by_its_class() {
    let world = World::new().await;
    world.exchange.refuse_sign_in(Some(&slug("kingsmead")), "signature");
    world.exchange.refuse_sign_in(Some(&slug("kingsmead")), "signature");
    world.exchange.refuse_sign_in(None, "state");
    world.exchange.tick(world.now()).await;
    let log = world.exchange.show(1, 1000).await.unwrap();
    let refused: Vec<_> =
        log.iter().filter(|e| e["what"] == "signin.refused").map(|e| e["more"].clone()).collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused.iter().any(|more| more["actor"] == "kingsmead" && more["count"] == 2), "{refused:?}");
    let text = serde_json::to_string(&log).unwrap();
    assert!(!text.contains("Quillfeather") && !text.contains("u-17"));
}
