//! Somebody of the demo at their browser: signs in, looks at a page, and sends what its forms send.

use std::time::Duration;

use anyhow::Context;
use reqwest::{
    Client, Response, StatusCode,
    header::{LOCATION, SET_COOKIE},
    redirect::Policy,
};

use crate::server::{kit::tls, vault::Secret};

const PATIENCE: Duration = Duration::from_secs(15);

/// What somebody signs in with, as the demo's file has it.
pub struct Login {
    pub email: String,
    pub password: Secret,
}

/// Who is signed in.
pub struct Person {
    client: Client,
    base_url: String,
    session: String,
}

impl Person {
    /// Signs in by the page's form.
    ///
    /// # Errors
    /// Nothing answers, or the sign-in is refused.
    pub async fn sign_in(base_url: &str, login: &Login) -> anyhow::Result<Self> {
        let client = tls::http().no_proxy().timeout(PATIENCE).redirect(Policy::none()).build()?;
        let mut person = Self { client, base_url: base_url.to_owned(), session: String::new() };
        let fields = [("email", login.email.as_str()), ("password", login.password.expose())];
        let answer = person.send("/api/sign-in", "text/html", &fields).await?;
        let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
        let session =
            cookies.filter_map(|cookie| cookie.split(';').next()).find(|cookie| cookie.starts_with("__Host-ringfort="));
        session.context("somebody of the demo could not sign in")?.clone_into(&mut person.session);
        Ok(person)
    }

    async fn send(&self, path: &str, accept: &'static str, fields: &[(&str, &str)]) -> anyhow::Result<Response> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(format!("{}{path}", self.base_url)).header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded").header("accept", accept);
        let is_known = !self.session.is_empty();
        let request = if is_known { request.header("cookie", self.session.as_str()) } else { request };
        Ok(request.body(body).send().await?)
    }

    /// Sends a form as a script of a page does: how it was answered.
    ///
    /// # Errors
    /// Nothing answers.
    pub async fn act(&self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<StatusCode> {
        Ok(self.send(path, "application/json", fields).await?.status())
    }

    /// Sends a form as its page does: where that leads.
    ///
    /// # Errors
    /// Nothing answers, or it leads nowhere.
    pub async fn go(&self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<String> {
        let answer = self.send(path, "text/html", fields).await?;
        let place = answer.headers().get(LOCATION).and_then(|place| place.to_str().ok());
        place.map(str::to_owned).with_context(|| format!("{path} was answered with {}", answer.status()))
    }

    /// A page as it stands.
    ///
    /// # Errors
    /// Nothing answers, or it does not open.
    pub async fn page(&self, path: &str) -> anyhow::Result<String> {
        let request = self.client.get(format!("{}{path}", self.base_url)).header("accept", "text/html");
        let answer = request.header("cookie", self.session.as_str()).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }
}
