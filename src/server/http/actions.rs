//! The needs of the actions (PER-3). A server function that is missing here is unreachable, and a test says so.

use super::{doors::Doors, passkey as ceremony};
use crate::{
    model::permission::{Need, Permission as P},
    ui::actions::{
        account, audit, calls, device, factor, link, oidc, passkey, policy, review, setup, team, texting, token,
    },
};

/// Every action with its need.
#[must_use]
pub fn doors(doors: Doors) -> Doors {
    doors
        .action::<account::SignIn>(Need::Public)
        .action::<account::AnswerFactor>(Need::Public)
        .action::<account::MailFactorCode>(Need::Public)
        .action::<account::TextFactorCode>(Need::Public)
        .script(ceremony::SIGN_IN, Need::Public, ceremony::sign_in)
        .action::<passkey::SignInPasskey>(Need::Public)
        .script(ceremony::ANSWER, Need::Public, ceremony::answer)
        .action::<passkey::AnswerPasskey>(Need::Public)
        .script(ceremony::CONFIRM, Need::SignedIn, ceremony::confirm)
        .action::<passkey::ConfirmPasskey>(Need::SignedIn)
        .action::<account::Confirm>(Need::SignedIn)
        .action::<account::SignOut>(Need::SignedIn)
        .action::<account::SignUp>(Need::Public)
        .action::<account::FinishSignUp>(Need::Public)
        .action::<account::Join>(Need::Public)
        .action::<account::Switch>(Need::SignedIn)
        .action::<account::SetTheme>(Need::Public)
        .action::<oidc::StartOidc>(Need::Public)
        .action::<oidc::EnterOidc>(Need::Public)
        .action::<oidc::StartOidcJoin>(Need::Public)
        .action::<oidc::FinishOidcJoin>(Need::Public)
        .action::<link::AskLink>(Need::Public)
        .action::<link::EnterLink>(Need::Public)
        .action::<link::EnterLinkCode>(Need::Public)
        .action::<link::AskReset>(Need::Public)
        .action::<link::ResetPassword>(Need::Public)
        .action::<link::ChangePassword>(Need::SignedIn)
        .action::<audit::VerifyAudit>(Need::Holds(P::AuditRead))
        .action::<calls::AcknowledgePop>(Need::Holds(P::ScreenPop))
        .action::<setup::CreateExtension>(Need::Holds(P::Extensions))
        .action::<setup::DeleteExtension>(Need::Holds(P::Extensions))
        .action::<setup::SaveSettings>(Need::Holds(P::Settings))
        .action::<team::Invite>(Need::Holds(P::TeamInvite))
        .action::<team::RevokeInvitation>(Need::Holds(P::TeamInvite))
        .action::<team::ResendInvitation>(Need::Holds(P::TeamInvite))
        .action::<team::ImportPeople>(Need::Holds(P::TeamInvite))
        .asking_again(sensitive)
}

/// Credentials, roles and retention ask again who one is (ACC-8).
fn sensitive(doors: Doors) -> Doors {
    doors
        .action::<device::RevokeSession>(Need::SignedIn)
        .action::<device::RevokeOtherSessions>(Need::SignedIn)
        .action::<token::RevokeToken>(Need::SignedIn)
        .action::<setup::CreateConnection>(Need::Holds(P::Credentials))
        .action::<setup::TestConnection>(Need::Holds(P::Credentials))
        .action::<setup::RotateConnection>(Need::Holds(P::Credentials))
        .action::<setup::RevokeConnection>(Need::Holds(P::Credentials))
        .action::<setup::SavePasswordPolicy>(Need::Holds(P::Settings))
        .action::<setup::SaveRetention>(Need::Holds(P::Retention))
        .action::<policy::SaveFactorRule>(Need::Holds(P::Settings))
        .action::<policy::AddNetwork>(Need::Holds(P::Settings))
        .action::<policy::RemoveNetwork>(Need::Holds(P::Settings))
        .action::<review::OpenReview>(Need::Holds(P::TeamManage))
        .action::<review::DecideReview>(Need::Holds(P::TeamManage))
        .action::<review::CloseReview>(Need::Holds(P::TeamManage))
        .action::<team::SetRole>(Need::Holds(P::TeamManage))
        .action::<team::RemoveMember>(Need::Holds(P::TeamManage))
        .action::<team::HandOver>(Need::Holds(P::TeamManage))
        .action::<team::UnlockMember>(Need::Holds(P::TeamManage))
        .action::<team::ResetFactors>(Need::Holds(P::TeamManage))
        .action::<device::EndMemberSessions>(Need::Holds(P::TeamManage))
        .action::<oidc::StartOidcLink>(Need::SignedIn)
        .action::<oidc::FinishOidcLink>(Need::SignedIn)
        .action::<oidc::UnlinkOidc>(Need::SignedIn)
        .action::<factor::StartTotp>(Need::SignedIn)
        .action::<factor::ConfirmTotp>(Need::SignedIn)
        .action::<factor::RemoveTotp>(Need::SignedIn)
        .action::<factor::SwitchEmailOn>(Need::SignedIn)
        .action::<factor::SwitchEmailOff>(Need::SignedIn)
        .action::<factor::DrawRecovery>(Need::SignedIn)
        .action::<texting::StartText>(Need::SignedIn)
        .action::<texting::TextAgain>(Need::SignedIn)
        .action::<texting::ConfirmText>(Need::SignedIn)
        .action::<texting::SwitchTextOff>(Need::SignedIn)
        .script(ceremony::REGISTER, Need::SignedIn, ceremony::register)
        .action::<passkey::AddPasskey>(Need::SignedIn)
        .action::<passkey::RemovePasskey>(Need::SignedIn)
}
