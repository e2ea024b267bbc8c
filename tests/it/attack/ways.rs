//! What must be so before a door does something: made so by the real doors, as people come there.

use ringfort::server::{http::passkey as ceremony, kit::entropy::Token};
use serde_json::json;

use super::{
    canary::{BUSINESS, NUMBER},
    plan::{First, Thing},
    world::{Person, World},
};
use crate::{
    factor::{begin, code, enrol, revealed},
    kit::{Browser, PUBLIC_URL, sql},
    link::{self, PASSWORD, asked, mailed, opened, press},
    oidc::{self, provider::Word},
    passkey::{self, Authenticator},
    token,
};

/// The browser that is ready, and what it answers with.
pub struct Ready {
    pub browser: Browser,
    pub answer: String,
}

/// What the audit page asks for news with.
fn news_mark(page: &str) -> String {
    let (_, rest) = page.split_once("data-news=\"").unwrap_or_else(|| panic!("nothing to ask with: {page}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

impl World {
    /// Makes it so.
    pub async fn prepare(&self, first: First, person: &Person) -> Ready {
        let browser = person.browser.clone();
        match first {
            First::Nothing | First::Webhook => Ready { browser, answer: String::new() },
            First::Password => {
                self.app.give_password(&person.member, PASSWORD).await;
                Ready { browser, answer: String::new() }
            }
            First::Program => {
                self.app.give_password(&person.member, token::PASSWORD).await;
                let program = token::program(&self.app, &person.member.email).await;
                Ready { browser, answer: program.refresh }
            }
            First::Pop => {
                self.make(Thing::Pop, &person.member).await;
                Ready { browser, answer: String::new() }
            }
            First::NoReview => {
                let closed = "update reviews set closed_at = now(), closed_by = opened_by, record_hash = '\\x00',
                    record_mac = '\\x00' where closed_at is null";
                sql::run(&self.app.owner, closed).await;
                Ready { browser, answer: String::new() }
            }
            First::AuditOpen => Ready { answer: news_mark(&browser.get("/audit").await.body), browser },
            First::Wallboard => Ready { browser, answer: self.wallboard(person).await },
            First::Viewing => {
                let reply = browser.post("/api/roles/view", &[("role", "viewer")]).await;
                assert_eq!(reply.status, 303, "{}", reply.body);
                Ready { browser, answer: String::new() }
            }
            First::AppBegun | First::App | First::MailedCodes | First::TextBegun | First::Text => {
                self.factor(first, person).await
            }
            First::Waiting | First::WaitingForText | First::WaitingForPasskey => self.waits(first, person).await,
            First::Passkey
            | First::PasskeyAnswer
            | First::PasskeyMade
            | First::PasskeyConfirm
            | First::PasskeySignIn => self.passkey(first, person).await,
            First::Link | First::LinkCode | First::ResetLink | First::SignUpLink | First::Invited => {
                self.mailed(first, person).await
            }
            First::OwnPhone | First::MaskedCalls => self.masked_calls(first, person).await,
            First::IdentityBack | First::IdentityInvited | First::IdentityToLink | First::Identity => {
                self.identity(first, person).await
            }
        }
    }

    /// Somebody, or everybody of their business, is reached for masked calls; then there are customers and a number as well.
    async fn masked_calls(&self, first: First, person: &Person) -> Ready {
        let business = person.member.business;
        let whose = if first == First::OwnPhone { format!("and id = '{}'", person.member.id.0) } else { String::new() };
        let phones = format!(
            "insert into member_phones (business_id, member_id, phone, changed_at)
             select business_id, id, '+15005580001', now() from members where business_id = '{}' {whose}
             on conflict do nothing",
            business.0
        );
        sql::run(&self.app.owner, phones).await;
        if first == First::MaskedCalls {
            self.make(Thing::ProxyNumber, &person.member).await;
            let customers = format!(
                "update work_orders set customer_phone = '{NUMBER}', window_from = '{}', window_to = '{}'
                 where business_id = '{}'",
                self.app.now().0,
                self.app.now().plus(3_600).0,
                business.0
            );
            sql::run(&self.app.owner, customers).await;
        }
        Ready { browser: person.browser.clone(), answer: String::new() }
    }

    /// A link to their business's wallboard: its token.
    async fn wallboard(&self, person: &Person) -> String {
        let wall = self.make(Thing::Wallboard, &person.member).await;
        let token = Token::draw(self.app.app.entropy());
        let known = hex::encode(token.hash());
        let number = wall.trim_start_matches("wall_");
        let known = format!("update wallboard_links set token_hash = decode('{known}', 'hex') where id = '{number}'");
        sql::run(&self.app.owner, known).await;
        token.reveal().to_owned()
    }

    async fn factor(&self, first: First, person: &Person) -> Ready {
        let browser = person.browser.clone();
        let answer = match first {
            First::AppBegun => code(&begin(&browser).await, self.app.now()),
            First::App => {
                enrol(&self.app, &browser).await;
                String::new()
            }
            First::MailedCodes => self.mailed_codes(&browser).await,
            _ => {
                let started = browser.post("/api/two-factor/text/start", &[("number", NUMBER)]).await;
                assert_eq!(started.status, 303, "{}", started.body);
                self.app.run_jobs().await;
                let code = self.messages.code();
                if first == First::Text {
                    let reply = browser.post("/api/two-factor/text/confirm", &[("code", &code)]).await;
                    revealed(&browser, &reply).await;
                }
                // One text a minute.
                self.app.clock.advance(61);
                code
            }
        };
        Ready { browser, answer }
    }

    /// Switches codes by mail on: a recovery code.
    async fn mailed_codes(&self, browser: &Browser) -> String {
        let reply = browser.post("/api/two-factor/email/on", &[]).await;
        revealed(browser, &reply).await.remove(0)
    }

    /// The right password was shown, and the second proof is waited for.
    async fn waits(&self, first: First, person: &Person) -> Ready {
        let answer = match first {
            First::Waiting => self.mailed_codes(&person.browser).await,
            First::WaitingForText => self.factor(First::Text, person).await.answer,
            _ => {
                passkey::add(&person.browser).await;
                String::new()
            }
        };
        Ready { browser: self.password_shown(person).await, answer }
    }

    async fn password_shown(&self, person: &Person) -> Browser {
        self.app.give_password(&person.member, PASSWORD).await;
        let fields = [("email", person.member.email.as_str()), ("password", PASSWORD)];
        let reply = self.app.stranger().post("/api/sign-in", &fields).await;
        assert_eq!(reply.header("location"), Some("/sign-in/factor"), "{}", reply.body);
        self.app.stranger().with_cookie(reply.cookie("__Host-challenge"))
    }

    async fn passkey(&self, first: First, person: &Person) -> Ready {
        if first == First::PasskeyMade {
            let (options, browser) = passkey::started(&person.browser, ceremony::REGISTER).await;
            let answer = Authenticator::new().make(&options, PUBLIC_URL);
            return Ready { browser, answer };
        }
        let (mut key, _) = passkey::add(&person.browser).await;
        let (asks, path) = match first {
            First::PasskeyAnswer => (self.password_shown(person).await, ceremony::ANSWER),
            First::PasskeyConfirm => (person.browser.clone(), ceremony::CONFIRM),
            First::PasskeySignIn => (self.app.stranger(), ceremony::SIGN_IN),
            _ => return Ready { browser: person.browser.clone(), answer: String::new() },
        };
        let (options, browser) = passkey::started(&asks, path).await;
        Ready { browser, answer: key.sign(&options, PUBLIC_URL) }
    }

    async fn mailed(&self, first: First, person: &Person) -> Ready {
        let (app, me, stranger) = (&self.app, person.member.email.as_str(), self.app.stranger());
        let browser = match first {
            First::Link => {
                let (asker, link) = asked(app, me).await;
                opened(&asker, &link).await
            }
            First::LinkCode => {
                let (asker, link) = asked(app, me).await;
                let elsewhere = opened(&stranger, &link).await;
                press(&elsewhere).await;
                let answer = link::code(&elsewhere).await;
                return Ready { browser: asker, answer };
            }
            First::ResetLink => {
                stranger.post("/api/password/forgot", &[("email", me)]).await;
                opened(&stranger, &mailed(app, me, "reset").await).await
            }
            First::SignUpLink => {
                let email = self.email();
                let place = [("profile", "field_service"), ("zone", "Europe/Berlin")];
                let fields = [&[("email", email.as_str()), ("business", BUSINESS)][..], &place].concat();
                stranger.post("/api/sign-up", &fields).await;
                opened(&stranger, &mailed(app, &email, "sign-up").await).await
            }
            _ => oidc::invited(app, &self.a, &self.email()).await,
        };
        Ready { browser, answer: String::new() }
    }

    async fn identity(&self, first: First, person: &Person) -> Ready {
        let (app, provider) = (&self.app, &self.provider);
        let good = |word: Word| word.token();
        if first == First::IdentityInvited {
            let email = self.email();
            let invited = oidc::invited(app, &self.a, &email).await;
            let say = |word: Word| word.claim("email", json!(email)).token();
            let browser = oidc::back(app, &invited, provider, "/api/oidc/join", say).await;
            return Ready { browser, answer: String::new() };
        }
        let browser = oidc::back(app, &person.browser, provider, "/api/oidc/link", good).await;
        if first == First::IdentityToLink {
            return Ready { browser, answer: String::new() };
        }
        let linked = browser.post("/api/oidc/link/finish", &[]).await;
        assert_eq!(linked.header("location"), Some("/account/linked"), "{}", linked.body);
        let browser = if first == First::Identity {
            person.browser.clone()
        } else {
            oidc::back(app, &app.stranger(), provider, "/api/oidc/start", good).await
        };
        Ready { browser, answer: String::new() }
    }
}
