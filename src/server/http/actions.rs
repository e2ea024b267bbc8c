//! The needs of the actions (PER-3). A server function that is missing here is unreachable, and a test says so.

use super::doors::Doors;
use crate::{
    model::permission::{Need, Permission as P},
    ui::actions::{account, calls, setup, team},
};

/// Every action with its need.
#[must_use]
pub fn doors(doors: Doors) -> Doors {
    doors
        .action::<account::SignIn>(Need::Public)
        .action::<account::SignOut>(Need::SignedIn)
        .action::<account::SignUp>(Need::Public)
        .action::<account::FinishSignUp>(Need::Public)
        .action::<account::Join>(Need::Public)
        .action::<account::Switch>(Need::SignedIn)
        .action::<account::SetTheme>(Need::Public)
        .action::<calls::AcknowledgePop>(Need::Holds(P::ScreenPop))
        .action::<setup::CreateConnection>(Need::Holds(P::Credentials))
        .action::<setup::TestConnection>(Need::Holds(P::Credentials))
        .action::<setup::RotateConnection>(Need::Holds(P::Credentials))
        .action::<setup::RevokeConnection>(Need::Holds(P::Credentials))
        .action::<setup::CreateExtension>(Need::Holds(P::Extensions))
        .action::<setup::DeleteExtension>(Need::Holds(P::Extensions))
        .action::<setup::SaveSettings>(Need::Holds(P::Settings))
        .action::<setup::SaveRetention>(Need::Holds(P::Retention))
        .action::<team::Invite>(Need::Holds(P::TeamInvite))
        .action::<team::RevokeInvitation>(Need::Holds(P::TeamInvite))
        .action::<team::SetRole>(Need::Holds(P::TeamManage))
        .action::<team::RemoveMember>(Need::Holds(P::TeamManage))
}
