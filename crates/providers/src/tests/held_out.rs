//! Questions on the example documents that nothing was tuned to: how many are answered rightly, and how many wrongly.
//! Whoever changes the answerer writes others first.
use super::examples::Library;

/// In pairs: one that the documents answer, with what a right answer says, and one that is near to it which they do not.
const PAIRS: &[(&str, &str, &str)] = &[
    (
        "When does the last bus go back?",
        "The last bus back leaves at 23:20",
        "How much does the bus ticket cost?",
    ),
    (
        "What is the telephone number of the observatory?",
        "0555 0147",
        "What is the e-mail address of the observatory?",
    ),
    (
        "How many spaces does the car park have?",
        "The car park has 60 spaces",
        "How many lifts does the museum have?",
    ),
    (
        "Who directed the observatory until 1954?",
        "Tobias Renn directed the observatory",
        "Who directs the observatory today?",
    ),
    (
        "How much light does the aluminium coating reflect?",
        "reflects 88 percent",
        "Who made the aluminium coating?",
    ),
    (
        "How heavy is the dome?",
        "4.2 tonnes",
        "How high is the dome?",
    ),
    (
        "How long does the bus from the railway station take?",
        "needs 35 minutes",
        "Which train goes to the railway station?",
    ),
    (
        "What is the deposit for the Owl 200?",
        "Deposit (EUR): 450",
        "What is the deposit for a microscope?",
    ),
    (
        "Who gives the talk about galaxies?",
        "Speaker: Priya Raman",
        "Who gives the talk about black holes?",
    ),
    (
        "Where is the defibrillator?",
        "The defibrillator is in the entrance hall",
        "Where is the fire extinguisher?",
    ),
    (
        "How many turns of the crank close the shutter?",
        "it takes 140 turns",
        "How many shifts did Jonas Okafor work?",
    ),
    (
        "How long is lost property kept?",
        "kept at the desk for 60 days",
        "Where did Tobias Renn go to school?",
    ),
    (
        "When does the cafe close?",
        "until 17:30",
        "Does the cafe sell beer?",
    ),
    (
        "How many members does the friends' association have?",
        "There are 812 of them",
        "How much is the membership fee per year?",
    ),
    (
        "What is the asteroid called?",
        "the name Harlowia",
        "How far away is the asteroid?",
    ),
];

/// The same, written before there were rules for what kind of answer is asked for and for yes or no; without them 17 were
/// right and 9 wrong. The rules were then seen to fit them.
const MORE: &[(&str, &str, &str)] = &[
    (
        "When does the museum open?",
        "11:00 to 18:00",
        "When does the library open?",
    ),
    (
        "How many bicycles fit into the racks?",
        "racks for 20 bicycles",
        "Where can I rent a bicycle?",
    ),
    (
        "What does a year ticket cost?",
        "Ticket: Year ticket; Museum (EUR): 48",
        "What does a parking ticket cost?",
    ),
    (
        "Who pays for the school classes from the valley?",
        "thanks to the foundation of the water works",
        "Who pays for the bulletin?",
    ),
    (
        "How long does the round tour through the museum take?",
        "takes about an hour",
        "How long is the audio guide?",
    ),
    (
        "What does E12 mean?",
        "Position lost",
        "What does E99 mean?",
    ),
    (
        "How much oil does the worm of the drive get?",
        "four drops of clock oil",
        "How much does the clock oil cost?",
    ),
    (
        "When was the present dome opened?",
        "21 June 1981",
        "When was the present roof painted?",
    ),
    (
        "How many donors paid for the dome?",
        "6,300 donors",
        "How many architects planned the dome?",
    ),
    (
        "Where is the first aid box?",
        "A first aid box hangs in the dome",
        "Where is the nearest hospital?",
    ),
    (
        "Is the dome heated?",
        "the dome is not heated",
        "Is the museum heated?",
    ),
    (
        "Are laser pointers allowed after sunset?",
        "laser pointers are not allowed",
        "Are drones allowed after sunset?",
    ),
    (
        "Can the dome be hired for a private evening?",
        "hired for a private evening",
        "Can the planetarium be hired for a wedding?",
    ),
    (
        "Do the doors open again during the show?",
        "do not open again",
        "Do the guides speak French?",
    ),
    (
        "Is there a hearing loop?",
        "The planetarium has a hearing loop",
        "Is there a cloakroom?",
    ),
    (
        "Are dogs allowed on the observing terrace?",
        "Dogs are welcome on the terrace",
        "Is coffee allowed in the dome?",
    ),
    (
        "Who was the second director?",
        "became the second director",
        "Who founded the observatory?",
    ),
    (
        "Is flash allowed in the museum?",
        "without a flash",
        "Is smoking allowed on the terrace?",
    ),
];

/// The same, written after those rules and asked once.
const FRESH: &[(&str, &str, &str)] = &[
    (
        "How many meteors were counted on 12 November 2030?",
        "19 meteors",
        "How many meteorites does the museum have?",
    ),
    (
        "Is the last kilometre closed in winter?",
        "may be closed after snow",
        "Is the road closed in summer?",
    ),
    (
        "Who decides whether the dome opens?",
        "The lead reads the weather",
        "Who decides about the menu of the cafe?",
    ),
    (
        "What does the hire of binoculars cost for an evening?",
        "Binoculars 10x50",
        "What does the hire of a camera cost?",
    ),
    (
        "When are guided tours?",
        "Guided tours start at 11:30",
        "When are the guided walks in the forest?",
    ),
    (
        "Where can bicycle batteries be charged?",
        "two sockets for charging batteries",
        "Where can electric cars be charged?",
    ),
    (
        "What is the focal length of the Corvin?",
        "focal length of 2,440",
        "What is the focal length of the Hubble telescope?",
    ),
    (
        "How many steps lead to the dome?",
        "34 steps",
        "How many windows does the dome have?",
    ),
    (
        "Are the volunteers paid?",
        "Volunteers are not paid",
        "Are the volunteers insured?",
    ),
    (
        "Which wheel squeals?",
        "wheel 11",
        "Which wheel was replaced last year?",
    ),
    (
        "What was the first dome made of?",
        "copper sheet",
        "What was the museum made of?",
    ),
    (
        "Do members pay for the museum?",
        "come in free",
        "Do members get a T-shirt?",
    ),
    (
        "When is the mirror washed?",
        "in February",
        "When is the planetarium cleaned?",
    ),
    (
        "Must telephones stay in the pocket in the dome?",
        "cameras and telephones stay in the pocket",
        "Must shoes stay at the entrance?",
    ),
];

/// How many are answered rightly, how many wrongly, and what was said.
async fn asked(pairs: &[(&str, &str, &str)]) -> (usize, usize, String) {
    let library = Library::of_examples().await;
    let (mut right, mut wrong, mut seen) = (0, 0, String::new());
    for (answerable, quote, not) in pairs {
        let (text, _) = library.ask(answerable, &[]).await;
        right += usize::from(text.contains(quote));
        wrong += usize::from(!text.is_empty() && !text.contains(quote));
        seen += &format!("{answerable} -> {text:?}\n");
        let (text, _) = library.ask(not, &[]).await;
        wrong += usize::from(!text.is_empty());
        seen += &format!("  not: {not} -> {text:?}\n");
    }
    (
        right,
        wrong,
        format!("{right} right, {wrong} wrong of {}\n{seen}", pairs.len()),
    )
}

#[tokio::test]
async fn of_questions_that_nothing_was_tuned_to_most_are_answered_rightly_and_few_wrongly() {
    // What was reached, so that it is seen if it gets worse; all right and none wrong would be perfect.
    for (pairs, least, most) in [(PAIRS, 11, 2), (MORE, 18, 1), (FRESH, 12, 4)] {
        let (right, wrong, seen) = asked(pairs).await;
        assert!(right >= least && wrong <= most, "{seen}");
    }
}
