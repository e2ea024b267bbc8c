//! The needs of the actions (PER-3). A server function that is missing here is unreachable, and a test says so.

use super::{audit_news, doors::Doors, field, passkey as ceremony, positions};
use crate::{
    model::permission::{Need, Permission as P},
    ui::actions::{
        account, audit, audit_stream, board, calls, device, factor, link, masked_call, oidc, operator, passkey, policy,
        position, review, role, setup, team, texting, token, work_order,
    },
};

/// Every action with its need.
#[must_use]
pub fn doors(doors: Doors) -> Doors {
    phones(work_orders(live_board(evidence(doors))))
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
        .action::<role::ViewAsRole>(Need::Holds(P::RolesRead))
        .action::<role::StopViewing>(Need::SignedIn)
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
        .action::<operator::EndOperator>(Need::Holds(P::Operators))
        .action::<calls::AcknowledgePop>(Need::Holds(P::ScreenPop))
        .action::<setup::CreateExtension>(Need::Holds(P::Extensions))
        .action::<setup::DeleteExtension>(Need::Holds(P::Extensions))
        .action::<masked_call::AddProxyNumber>(Need::Holds(P::Extensions))
        .action::<masked_call::RemoveProxyNumber>(Need::Holds(P::Extensions))
        .action::<masked_call::MaskedCallOpen>(Need::Holds(P::WorkOrders))
        .action::<setup::SaveSettings>(Need::Holds(P::Settings))
        .action::<team::Invite>(Need::Holds(P::TeamInvite))
        .action::<team::RevokeInvitation>(Need::Holds(P::TeamInvite))
        .action::<team::ResendInvitation>(Need::Holds(P::TeamInvite))
        .action::<team::ImportPeople>(Need::Holds(P::TeamInvite))
        .asking_again(sensitive)
        .asking_again(streams)
        .asking_again(outward)
}

/// The live board.
fn live_board(doors: Doors) -> Doors {
    doors
        .action::<board::SayState>(Need::Holds(P::LiveBoard))
        .action::<board::SetAgentState>(Need::Holds(P::CallsSupervise))
        .action::<calls::TransferCall>(Need::Holds(P::CallsSupervise))
        .action::<calls::HangUpCall>(Need::Holds(P::CallsSupervise))
        .action::<calls::MuteCall>(Need::Holds(P::CallsSupervise))
        .action::<board::SaveBoard>(Need::Holds(P::Settings))
        .action::<board::AddQueue>(Need::Holds(P::Settings))
        .action::<board::RemoveQueue>(Need::Holds(P::Settings))
        .action::<board::AddReason>(Need::Holds(P::Settings))
        .action::<board::RemoveReason>(Need::Holds(P::Settings))
        .action::<board::RevokeWallboard>(Need::Holds(P::Wallboard))
}

/// Jobs in the field, and the links by which customers follow.
fn work_orders(doors: Doors) -> Doors {
    doors
        .action::<work_order::WorkOrderCreate>(Need::HoldsAll(P::WorkOrders))
        .action::<work_order::WorkOrderChange>(Need::HoldsAll(P::WorkOrders))
        .action::<work_order::WorkOrderAssign>(Need::HoldsAll(P::WorkOrders))
        .action::<work_order::WorkOrderMove>(Need::Holds(P::WorkOrders))
        .action::<work_order::WorkOrderCancel>(Need::HoldsAll(P::WorkOrders))
        .action::<work_order::TrackingCreate>(Need::HoldsAll(P::WorkOrders))
        .action::<work_order::TrackingRevoke>(Need::HoldsAll(P::WorkOrders))
}

/// Shifts, and what a technician's own page sends by itself.
fn phones(doors: Doors) -> Doors {
    doors
        .action::<position::ShiftBegin>(Need::Holds(P::PositionsSend))
        .action::<position::ShiftEnd>(Need::HoldsAny(&[P::PositionsSend, P::Map]))
        .script(field::POSITIONS, Need::Holds(P::PositionsSend), positions::receive)
}

/// What readers of the audit log keep, and what its page asks.
fn evidence(doors: Doors) -> Doors {
    doors
        .action::<audit::SaveAuditFilter>(Need::Holds(P::AuditRead))
        .action::<audit::RemoveAuditFilter>(Need::Holds(P::AuditRead))
        .script(audit_news::NEWS, Need::Holds(P::AuditRead), audit_news::news)
}

/// Credentials, roles, retention and exports ask again who one is (ACC-8).
fn sensitive(doors: Doors) -> Doors {
    doors
        .action::<device::RevokeSession>(Need::SignedIn)
        .action::<device::RevokeOtherSessions>(Need::SignedIn)
        .action::<token::RevokeToken>(Need::SignedIn)
        .action::<audit::AskAuditExport>(Need::Holds(P::AuditExport))
        .action::<audit::CancelAuditExport>(Need::Holds(P::AuditExport))
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
        .action::<role::CopyRole>(Need::Holds(P::RolesManage))
        .action::<role::SaveRole>(Need::Holds(P::RolesManage))
        .action::<role::DeleteRole>(Need::Holds(P::RolesManage))
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

/// Where the audit log is sent to, and what opens the door there.
fn streams(doors: Doors) -> Doors {
    doors
        .action::<audit_stream::CreateStream>(Need::Holds(P::AuditStream))
        .action::<audit_stream::TestStream>(Need::Holds(P::AuditStream))
        .action::<audit_stream::PauseStream>(Need::Holds(P::AuditStream))
        .action::<audit_stream::ResumeStream>(Need::Holds(P::AuditStream))
        .action::<audit_stream::ReplayStream>(Need::Holds(P::AuditStream))
        .action::<audit_stream::RotateStream>(Need::Holds(P::AuditStream))
        .action::<audit_stream::DeleteStream>(Need::Holds(P::AuditStream))
}

/// What somebody outside sees or hears from then on: the board without signing in, and where customers' calls go.
fn outward(doors: Doors) -> Doors {
    doors
        .action::<board::ShareWallboard>(Need::Holds(P::Wallboard))
        .action::<masked_call::SaveOwnPhone>(Need::Holds(P::WorkOrders))
        .action::<masked_call::RemoveOwnPhone>(Need::Holds(P::WorkOrders))
}
