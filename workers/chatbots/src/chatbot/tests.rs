//! What may be asked of a chatbot.
use super::*;
use runtime::testkit::entities::{Given, Then, given};
use runtime::{Emits, emit};

fn id() -> String {
    "e1".into()
}
fn register() -> ChatbotMessage {
    let settings = Settings {
        greeting: "Hello!".into(),
        ..Settings::default()
    };
    ChatbotMessage::Register(RegisterChatbot {
        chatbot: id(),
        name: "Ada".into(),
        settings,
    })
}
fn build() -> ChatbotMessage {
    ChatbotMessage::BuildPrompt(BuildPrompt { chatbot: id() })
}
fn drop_prompt() -> ChatbotMessage {
    ChatbotMessage::DropPrompt(DropPrompt { chatbot: id() })
}
fn activate() -> ChatbotMessage {
    ChatbotMessage::Activate(ActivateChatbot { chatbot: id() })
}
fn deactivate() -> ChatbotMessage {
    ChatbotMessage::Deactivate(DeactivateChatbot { chatbot: id() })
}
fn remove() -> ChatbotMessage {
    ChatbotMessage::Remove(RemoveChatbot { chatbot: id() })
}
fn pause() -> ChatbotMessage {
    ChatbotMessage::Pause(PauseChatbot { chatbot: id() })
}
fn resume() -> ChatbotMessage {
    ChatbotMessage::Resume(ResumeChatbot { chatbot: id() })
}
fn retire() -> ChatbotMessage {
    ChatbotMessage::Retire(RetireChatbot { chatbot: id() })
}
fn restore() -> ChatbotMessage {
    ChatbotMessage::Restore(RestoreChatbot { chatbot: id() })
}
fn update(name: Option<&str>, template: Option<&str>) -> ChatbotMessage {
    let settings = |template: &str| Settings {
        prompt_template: template.into(),
        ..Settings::default()
    };
    ChatbotMessage::Update(UpdateChatbot {
        chatbot: id(),
        name: name.map(Into::into),
        settings: template.map(settings),
        settings_patch: None,
    })
}
fn absent() -> Given<Chatbot> {
    given(Chatbot::default())
}
fn registered() -> Given<Chatbot> {
    absent().when(register()).and_then()
}
fn built() -> Given<Chatbot> {
    registered().when(build()).and_then()
}
fn active() -> Given<Chatbot> {
    built().when(activate()).and_then()
}
fn retiring() -> Given<Chatbot> {
    active().when(retire()).and_then()
}
fn removed() -> Given<Chatbot> {
    active().when(remove()).and_then()
}
fn done() -> Emits {
    Emits::default().reply(reply::Ok { id: id() })
}
/// It changed, said so whole, and answered.
#[track_caller]
fn changed(then: Then<Chatbot>, life: Life, version: i64) -> Given<Chatbot> {
    let chatbot = then.state().clone();
    assert_eq!((chatbot.life, chatbot.version), (life, version));
    then.emits(emit(chatbot.changed("e1")).append(done()))
        .and_then()
}

#[test]
fn a_chatbot_is_registered_built_and_activated_and_says_so_each_time() {
    let registered = changed(absent().when(register()), Life::Registered, 1);
    let built = changed(registered.when(build()), Life::Registered, 2);
    let active = changed(built.when(activate()), Life::Active, 3);
    let then = active.when(build()).stays().emits(done());
    assert!(then.state().system_prompt.starts_with("You are Ada."));
}
#[test]
fn the_same_step_again_is_done_and_changes_nothing() {
    registered().when(register()).stays().emits(done());
    active().when(activate()).stays().emits(done());
    retiring().when(retire()).stays().emits(done());
    removed().when(remove()).stays().emits(done());
}
#[test]
fn another_registration_under_the_same_id_is_refused() {
    registered()
        .at(|at| at.idempotency_key = "m2".into())
        .when(register())
        .refuses("chatbots.exists");
}
#[test]
fn settings_that_make_no_prompt_are_refused_at_the_door() {
    let settings = Settings {
        prompt_template: "{who}".into(),
        ..Settings::default()
    };
    let register = RegisterChatbot {
        chatbot: id(),
        name: "Ada".into(),
        settings,
    };
    absent()
        .when(ChatbotMessage::Register(register))
        .refuses("chatbots.unknown_placeholder");
}
#[test]
fn a_chatbot_without_a_prompt_does_not_answer() {
    registered().when(activate()).refuses("chatbots.no_prompt");
}
#[test]
fn a_chatbot_is_paused_and_resumed() {
    let paused = changed(active().when(pause()), Life::Paused, 4);
    let paused = paused.when(pause()).stays().emits(done()).and_then();
    changed(paused.when(resume()), Life::Active, 5)
        .when(resume())
        .stays()
        .emits(done());
    registered().when(pause()).refuses("chatbots.not_active");
    registered().when(resume()).refuses("chatbots.not_active");
}
#[test]
fn an_update_changes_what_it_names_and_builds_the_prompt_anew() {
    let active = changed(active().when(update(Some("Bo"), None)), Life::Active, 4);
    let then = active.when(update(None, Some("I am {name}.")));
    assert_eq!(
        (
            then.state().name.as_str(),
            then.state().system_prompt.as_str()
        ),
        ("Bo", "I am Bo.")
    );
    let active = changed(then, Life::Active, 5);
    active.when(update(Some("Bo"), None)).stays().emits(done());
}
#[test]
fn two_patches_of_different_settings_both_count() {
    let patch = |patch: &str| {
        ChatbotMessage::Update(UpdateChatbot {
            chatbot: id(),
            settings_patch: Some(patch.into()),
            ..UpdateChatbot::default()
        })
    };
    let then = active().when(patch(r#"{"languages": ["de"]}"#)).and_then();
    let then = then.when(patch(r#"{"greeting": "Hello"}"#));
    let settings = &then.state().settings;
    assert_eq!(
        (settings.greeting.as_str(), &settings.languages[..]),
        ("Hello", &["de".to_owned()][..])
    );
    assert!(then.state().system_prompt.contains("Answer in de."));
    let then = then.and_then().when(patch(r#"{"languages": null}"#));
    assert!(then.state().settings.languages.is_empty());
    then.and_then()
        .when(patch(r#"{"prompt_template": "{x}"}"#))
        .refuses("chatbots.unknown_placeholder");
}
#[test]
fn an_update_that_is_not_allowed_changes_nothing() {
    active()
        .when(update(Some(""), None))
        .refuses("chatbots.invalid_settings");
    active()
        .when(update(None, Some("{x}")))
        .refuses("chatbots.unknown_placeholder");
    retiring()
        .when(update(Some("Bo"), None))
        .refuses("chatbots.retiring");
}
#[test]
fn an_update_before_the_prompt_is_built_leaves_that_to_the_creation() {
    let then = registered().when(update(Some("Bo"), None));
    assert_eq!(then.state().system_prompt, "");
}
#[test]
fn each_step_is_taken_back() {
    let inactive = changed(active().when(deactivate()), Life::Registered, 4);
    let dropped = changed(inactive.when(drop_prompt()), Life::Registered, 5);
    let removed = changed(dropped.when(remove()), Life::Removed, 6);
    let then = removed.when(remove()).stays();
    assert_eq!(
        (&then.state().settings, then.state().system_prompt.as_str()),
        (&Settings::default(), "")
    );
}
#[test]
fn a_retired_chatbot_is_restored_to_what_it_was() {
    for (before, life, version) in [
        (registered(), Life::Registered, 3),
        (active(), Life::Active, 5),
    ] {
        let retiring = before.when(retire()).and_then();
        changed(retiring.when(restore()), life, version);
    }
    retiring().when(activate()).refuses("chatbots.retiring");
    let paused = active().when(pause()).and_then().when(retire()).and_then();
    changed(paused.when(restore()), Life::Paused, 6);
}
#[test]
fn a_creation_that_turns_back_during_a_deletion_is_not_in_its_way() {
    let then = retiring().when(deactivate());
    let retiring = changed(then, Life::Retiring(Before::Registered), 5);
    changed(retiring.when(remove()), Life::Removed, 6);
}
/// S4.
#[test]
fn the_undo_of_what_never_happened_is_done_and_what_comes_later_is_refused() {
    let undone = |undo, step: ChatbotMessage| {
        let marked = registered().when(undo).emits(done()).and_then();
        marked.when(step).refuses("chatbots.undone");
    };
    undone(drop_prompt(), build());
    undone(deactivate(), activate());
    undone(restore(), retire());
    let then = absent().when(remove());
    changed(then, Life::Removed, 1)
        .when(register())
        .refuses("chatbots.removed");
}
#[test]
fn what_is_taken_back_is_not_done_again() {
    let inactive = active().when(deactivate()).and_then();
    inactive.when(activate()).refuses("chatbots.undone");
    let dropped = built().when(drop_prompt()).and_then();
    dropped.when(build()).refuses("chatbots.undone");
    let restored = retiring().when(restore()).and_then();
    restored.when(retire()).refuses("chatbots.undone");
}
#[test]
fn nothing_is_asked_of_a_chatbot_that_is_not_there() {
    for ask in [build, activate, pause, resume, retire] {
        absent().when(ask()).refuses("chatbots.not_found");
        removed().when(ask()).refuses("chatbots.removed");
    }
    absent()
        .when(update(Some("Bo"), None))
        .refuses("chatbots.not_found");
    removed()
        .when(update(Some("Bo"), None))
        .refuses("chatbots.removed");
    absent()
        .when(ChatbotMessage::Woke(Woke::default()))
        .stays()
        .emits_nothing();
}
#[test]
fn a_row_is_read_back() {
    let then = retiring().when(restore());
    let row = serde_json::to_string(then.state()).expect("it is written");
    assert_eq!(
        serde_json::from_str::<Chatbot>(&row).expect("it is read"),
        *then.state()
    );
}
