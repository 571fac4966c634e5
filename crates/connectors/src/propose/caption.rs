//! Captions taken apart: words out of camelCase, snake_case and abbreviations, and what these words are about.
//!
//! The word list has single words of five languages, never whole captions: a caption is understood by what its words have in
//! common with a field, however they are put together. What a column holds is `shape`'s.

use std::collections::BTreeMap;

/// What a word can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    Learner,
    Id,
    Upn,
    Former,
    Temporary,
    Uln,
    Uci,
    Surname,
    Forename,
    Name,
    Last,
    First,
    Known,
    Birth,
    Date,
    Time,
    Start,
    End,
    Minutes,
    Late,
    Early,
    Mark,
    Presence,
    Group,
    Period,
    Note,
    Grade,
    Subject,
    Title,
    Round,
    Kind,
    Scale,
    Points,
    Event,
    Conduct,
    Polarity,
    Severity,
    Place,
    Role,
    Action,
    Status,
    Due,
    Share,
    Internal,
    Host,
    Home,
    Institution,
    Staff,
    Room,
    Cancelled,
    Closed,
    Week,
    Lesson,
    Entered,
    Enrolment,
    Needs,
    Emergency,
    Personal,
}

/// Words by what they are about. `*` at the end: any ending; `*` at both ends: anywhere in a word, as in German compounds.
const WORDS: &[(About, &str)] = &[
    (
        About::Learner,
        "learner* pupil* student* child candidate* person* admission* adm enrolment* enrollment* schuler* \
                      *schueler* *schuler* eleve* apprenant* etudiant* alumn* alu estudiante* expediente* disgybl* \
                      myfyriw* dysgw* plentyn matricul* exam*candidate",
    ),
    (
        About::Id,
        "id ids code* ref refs reference* number* no nos nr num key* ident* uid pk nummer* *nummer* *nr* numero* n \
                 matricul* *kennung* kennzahl* identifiant* identificador* dni clave* rhif cod expediente* kod",
    ),
    (About::Upn, "upn"),
    (
        About::Former,
        "former* previous* prev prior old older earlier superseded ehemal* fruher* frueher* vorher* ancien* \
                     precedent* anterior* antigu* precedente* blaenorol cynt",
    ),
    (
        About::Temporary,
        "temporary temp tmp provisional* interim vorlaufig* vorlaeufig* provisoire* temporaire* temporal \
                        provvisori* temporane* dros*dro",
    ),
    (About::Uln, "uln"),
    (About::Uci, "uci"),
    (About::Surname, "surname* sname lastname apellido* *nachname* *familienname* cyfenw*"),
    (About::Forename, "forename* fname firstname *vorname* *rufname* prenom* given christian pila"),
    (About::Name, "name* nom nombre* enw enwau"),
    (About::Last, "last family legal* famille familia teulu*"),
    (About::First, "first given cyntaf premier*"),
    (About::Known, "known preferred chosen usual nick* rufname* usage"),
    (About::Birth, "birth* born dob *geburt* naissance ne nac nacim* geni geboren"),
    (About::Date, "date* day dt on when *datum* *tag jour* fecha* dia dyddiad* diwrnod*"),
    (About::Time, "time* clock hour* tm zeit* uhrzeit* heure* hora* amser*"),
    (
        About::Start,
        "start* begin* from first st *beginn* von *anfang* debut* inicio* comien* empiez* desde dechrau* opens",
    ),
    (
        About::End,
        "end* finish* until till to last fin* *ende* bis jusqu* hasta termin* acab* gorffen* diwedd* close leaves",
    ),
    (About::Minutes, "minute* min mins *minut* munud* duration* length dauer* duree* duracion*"),
    (About::Late, "late* tard* *verspat* retard* retras* hwyr* past delay*"),
    (About::Early, "early leaving left"),
    (About::Mark, "mark* marc* code* usage* kurzel* *kurzel* cod symbol* sign etat* statut* estado tipo"),
    (
        About::Presence,
        "attend* att present* presence* presenc* register* reg absen* *anwesen* *fehl* asisten* falta* appel",
    ),
    (
        About::Group,
        "group* class* set sets course* section* teaching *klasse* *kurs* *gruppe* groupe* grupo* clase* dosbarth* \
                    grwp* occurrence* cohort* option",
    ),
    (
        About::Period,
        "period* pd session* slot* lesson* block* *stunde* seance* sesion* gwers* cyfnod* periode*",
    ),
    (
        About::Note,
        "note* comment* remark* *bemerkung* anmerkung* comentario* commentaire* observa* sylw* nodiad* feedback* \
                   notas text memo description*",
    ),
    (
        About::Grade,
        "grade* result* score* outcome* mark* *note* zensur* gradd* canlyniad* resultat* nota notas calific* \
                    attainment* punktzahl*",
    ),
    (About::Subject, "subject* *fach matiere* asignatura* materia* pwnc* discipline area"),
    (
        About::Title,
        "assessment* title* test* exam* aspect* unit* component* paper* evaluation* *prufung* examen* epreuve* \
                    prueba* asesiad* task* task assignment* module* work",
    ),
    (
        About::Round,
        "round* collection* resultset* cycle* capture* drop* window* term* semester* trimestre* halbjahr* tymor* \
                    point season",
    ),
    (About::Kind, "kind* type* sort* what art typ* clase"),
    (About::Scale, "scale* gradeset* bareme* escala* skala* graddfa*"),
    (About::Points, "point* pts *punkte* puntos* pwynt*"),
    (About::Event, "event* incident* case *vorfall* incidence* incidente* digwyddiad* occurrence*"),
    (
        About::Conduct,
        "behavio* conduct* incident* *verhalten* comport* conducta* ymddyg* achievement* category* descriptor*",
    ),
    (About::Polarity, "polarity* positive negative *lob* *tadel* praise plusminus good"),
    (About::Severity, "severity* level* seriousness* schwere* gravit* gravedad* difrifol* stufe"),
    (About::Place, "place* location* where* *ort lieu* lugar* lleoliad* site"),
    (About::Role, "role* part involve* *rolle* rol"),
    (
        About::Action,
        "action* sanction* consequence* outcome* follow* *massnahm* mesure* medida* camau* response",
    ),
    (About::Status, "status* state* stat stand etat* estado* statws*"),
    (About::Due, "due deadline by respond*"),
    (About::Share, "share* parent* public* safe external*"),
    (About::Internal, "internal* *intern* private* narrative* confidential* staffonly interno* mewnol*"),
    (About::Host, "host* provider* receiving partner* visit* anfitrion* offsite placement* accueil*"),
    (About::Home, "home* sending origin* heimat* base*"),
    (
        About::Institution,
        "school* college* centre* center* institution* provider* establishment* *schule ecole* etablissement* \
                          escuela* centro* ysgol* coleg*",
    ),
    (
        About::Staff,
        "staff* teacher* tutor* employee* *lehrer* *lehrkraft* athro* enseignant* professeur* profesor* docente* \
                    instructor* lecturer*",
    ),
    (About::Room, "room* *raum* zimmer* salle* aula* ystafell* venue*"),
    (About::Cancelled, "cancel* called off *entfall* *ausfall* annul* canslo* suspend*"),
    (About::Closed, "closed closure* shut geschlossen* ferme* cerrado* cau"),
    (About::Week, "week* woche* semaine* semana* wythnos*"),
    (About::Lesson, "lesson* class*meeting *stunde* lsn gwers* seance* clase*"),
    (
        About::Entered,
        "entered keyed created logged recorded modified changed updated stamp* timestamp* saved erfasst* saisi* \
                      registrado* cofnod*",
    ),
    (About::Enrolment, "enrol* enroll* registration* statut* matricula"),
    (About::Needs, "need* support* bedarf* besoin* necesidad* angen*"),
    (About::Emergency, "emergency* notfall* urgence* emergencia* argyfwng*"),
    (
        About::Personal,
        "sex gender email mail phone tel telephone address postcode ethnic* year nc ncyear house sen pp fsm salutation \
                       hon honorific form",
    ),
];

/// The words of a caption, in lower case and without accents.
pub fn words(caption: &str) -> Vec<String> {
    let caption = caption.replace("_X0020", " ").replace("_x0020_", " ");
    let chars: Vec<char> = caption.chars().collect();
    let mut words: Vec<String> = vec![String::new()];
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let after = chars.get(at + 1).copied();
        let humps = c.is_uppercase()
            && (before.is_some_and(char::is_lowercase)
                || before.is_some_and(char::is_uppercase) && after.is_some_and(char::is_lowercase));
        let digits = before.is_some_and(|b| b.is_ascii_digit() != c.is_ascii_digit() && b.is_alphanumeric());
        if !c.is_alphanumeric() && !matches!(c, 'º' | 'ª') || humps || digits {
            words.push(String::new());
        }
        if (c.is_alphanumeric() || matches!(c, 'º' | 'ª'))
            && let Some(word) = words.last_mut()
        {
            fold(c, word);
        }
    }
    joined(words.into_iter().filter(|word| !word.is_empty()))
}

/// Letters that stand alone, as in U.P.N., belong together.
fn joined(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut letters = false;
    for word in words {
        let single = word.len() == 1 && word.as_bytes()[0].is_ascii_alphabetic();
        match out.last_mut() {
            Some(last) if single && letters => last.push_str(&word),
            _ => out.push(word),
        }
        letters = single;
    }
    out
}

fn fold(c: char, into: &mut String) {
    let plain = match c.to_lowercase().next().unwrap_or(c) {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' => "a",
        'ç' | 'č' | 'ć' => "c",
        'è' | 'é' | 'ê' | 'ë' | 'ę' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' | 'ń' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'º' => "o",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ŵ' => "w",
        'ß' => "ss",
        'ł' => "l",
        'ś' | 'š' => "s",
        'ź' | 'ż' | 'ž' => "z",
        'ª' => "a",
        plain => return into.push(plain),
    };
    into.push_str(plain);
}

/// What a caption is about, with how surely, from 0 to 1.
pub fn about(caption: &str) -> BTreeMap<About, f64> {
    let mut found = BTreeMap::new();
    for word in words(caption) {
        let exact = meanings(&word, &mut found);
        if !exact {
            shortened(&word, &mut found);
        }
    }
    found
}

fn note(found: &mut BTreeMap<About, f64>, about: About, weight: f64) {
    let held = found.entry(about).or_insert(0.0);
    *held = held.max(weight);
}

/// Notes what a word of the list says; false if the list doesn't have it.
fn meanings(word: &str, found: &mut BTreeMap<About, f64>) -> bool {
    let mut any = false;
    for (about, known) in WORDS {
        let weight = known.split_whitespace().filter_map(|known| fits(word, known)).fold(0.0, f64::max);
        if weight > 0.0 {
            any = true;
            note(found, *about, weight);
        }
    }
    any
}

fn fits(word: &str, known: &str) -> Option<f64> {
    if let Some(inner) = known.strip_prefix('*') {
        return match inner.strip_suffix('*') {
            Some(inner) => word.contains(inner).then_some(0.9),
            None => word.ends_with(inner).then_some(0.9),
        };
    }
    match known.strip_suffix('*') {
        Some(stem) => (word == stem).then_some(1.0).or_else(|| word.starts_with(stem).then_some(0.95)),
        None => (word == known).then_some(1.0),
    }
}

/// Notes what a shortened word may stand for: the beginning of a word, or its consonants.
fn shortened(word: &str, found: &mut BTreeMap<About, f64>) {
    if !(2..=6).contains(&word.len()) || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return;
    }
    let mut hits = Vec::new();
    for (about, known) in WORDS {
        let hit = known.split_whitespace().any(|known| {
            let known = known.trim_matches('*');
            let begins = word.len() >= 3 && known.len() > word.len() && known.starts_with(word);
            begins || consonants_of(word, known)
        });
        if hit {
            hits.push(*about);
        }
    }
    let weight = if hits.len() > 4 { 0.45 } else { 0.65 };
    hits.into_iter().for_each(|about| note(found, about, weight));
}

/// True if `short` is what is left of `known` when vowels and some consonants go: `grp`, `stdnt`, `incdt`.
fn consonants_of(short: &str, known: &str) -> bool {
    let vowels = short.bytes().skip(1).filter(|byte| b"aeiou".contains(byte)).count();
    if vowels > 0 || known.len() < short.len() + 2 || known.len() > short.len() * 3 {
        return false;
    }
    let (mut rest, last) = (known.bytes(), known.trim_end_matches(['e', 'a']).bytes().last());
    short.as_bytes()[0] == known.as_bytes()[0]
        && (short.bytes().last() == last || short.len() > 2)
        && short.bytes().all(|letter| rest.any(|other| other == letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_come_apart_however_they_are_put_together() {
        assert_eq!(words("AwardedGrade"), ["awarded", "grade"]);
        assert_eq!(words("late_mins"), ["late", "mins"]);
        assert_eq!(words("U.P.N."), ["upn"]);
        assert_eq!(words("My_X0020Name"), ["my", "name"]);
        assert_eq!(words("Prüfungsnote2"), ["prufungsnote", "2"]);
        assert_eq!(words("XMLFile"), ["xml", "file"]);
    }

    #[test]
    fn shortened_words_are_understood_with_less_weight_than_whole_ones() {
        assert!(about("Grp")[&About::Group] < about("group")[&About::Group]);
        assert!(about("Lsn").contains_key(&About::Lesson));
        assert!(about("Stdnt").contains_key(&About::Learner));
        assert!(about("").is_empty() && about("ζ").is_empty());
    }
}
