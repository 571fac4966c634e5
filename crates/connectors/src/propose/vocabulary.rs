//! Words of captions and what they are about: single words of eight languages and their usual abbreviations, never whole captions.

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
    Pastoral,
    Candidate,
    Personal,
}

/// Words by what they are about. `*` at the end: any ending; `*` at both ends: anywhere in a word, as in German compounds.
pub const WORDS: &[(About, &str)] = &[
    (
        About::Learner,
        "learner* pupil* student* child person* admission* adm adno admno admn roll stu std stud \
         enrolment* enrollment* schuler* *schueler* *schuler* eleve* apprenant* etudiant* alumn* alun* \
         alu estudiante* expediente* nie matricol* allievo* studente* leerling* uczen ucznia uczni* \
         dalta* disgybl* myfyriw* dysgw* plentyn derbyn matricul*",
    ),
    (
        About::Id,
        "id ids code* ref refs reference* number* no nos num key* ident* uid pk nummer* *nummer* numero* \
         numer* n matricul* matricol* *kennung* kennzahl* identifiant* identificador* dni clave* rhif cod \
         codice kod expediente* ewid* legitym* uimhir* adno admno nie *nr nr*",
    ),
    (About::Upn, "upn"),
    (
        About::Former,
        "former* fmr previous* prev prior old older earlier superseded ehemal* fruher* frueher* vorher* \
         ancien* precedent* anterior* antigu* precedente* poprzed* vorig* blaenorol cynt",
    ),
    (
        About::Temporary,
        "temporary temp tmp provisional* interim vorlaufig* vorlaeufig* provisoire* temporaire* temporal \
         provvisori* temporane* dros*dro",
    ),
    (About::Uln, "uln"),
    (About::Uci, "uci"),
    (
        About::Surname,
        "surname* surn sname lname lastname apellido* apelido* sobrenome* nazwisk* cognom* achternaam* \
         sloinne* *nachname* *familienname* cyfenw*",
    ),
    (
        About::Forename,
        "forename* forenam* fname gname firstname *vorname* *rufname* prenom* imie imion* voornaam* \
         ceadainm* given christian pila",
    ),
    (About::Name, "name* nom nombre* nome nomes naam ainm enw enwau"),
    (About::Last, "last family famille familia famiglia teulu*"),
    (About::First, "first given cyntaf premier*"),
    (About::Known, "known preferred pref chosen usual nick* rufname* roepnaam* ffefr* prefer* galwad* usage"),
    (
        About::Birth,
        "birth* born dob *geburt* geb naissance ne nac nacim* nasc* urodz* ur nascit* geboort* breith* \
         geni geboren",
    ),
    (
        About::Date,
        "date* day dt on when *datum* *tag jour* fecha* data datas dzien dia giorno dyddiad* diwrnod* \
         occur* happen*",
    ),
    (
        About::Time,
        "time* clock hour* tm zeit* uhrzeit* heure* hora* godz* ora orario uur amser* occur* happen*",
    ),
    (
        About::Start,
        "start* begin* from first st *beginn* von *anfang* debut* inicio* comien* empiez* desde od \
         poczat* inizio aanvang* dechrau* opens",
    ),
    (
        About::End,
        "end* finish* until till to last fin* *ende* bis jusqu* hasta termin* acab* do koniec* tot eind* \
         gorffen* diwedd* close leaves",
    ),
    (About::Minutes, "minute* min mins *minut* munud* duration* length dauer* duree* duracion*"),
    (About::Late, "late* tard* *verspat* retard* retras* ritard* spozn* atras* hwyr* past delay* laat"),
    (About::Early, "early leaving left"),
    (
        About::Mark,
        "mark* mk mks marc* code* usage* kurzel* *kurzel* cod kod symbol* sign etat* statut* estado tipo",
    ),
    (
        About::Presence,
        "attend* att present* presence* presenc* presenz* presenol* reg absen* assenz* *anwesen* *fehl* \
         asisten* falta* frekw* obecn* nieobec* aanwez* afwez* appel tinream* regist*",
    ),
    (
        About::Group,
        "group* class* cls clas grp set sets course* section* teaching *klasse* klas *kurs* *gruppe* \
         groupe* grupo* grupp* grupa* gruppo clase* turma* oddzial* dosbarth* grwp* occurrence* cohort* \
         option gr *groep*",
    ),
    (
        About::Period,
        "period* per pd prd session* sess sesiw* slot* lesson* block* *stunde* seance* creneau* sesion* \
         sesja tramo* lek lekc* lezione lesuur* godz* gwers* cyfnod* periode* periodo*",
    ),
    (
        About::Note,
        "note* comment* remark* *bemerkung* anmerkung* comentario* commentaire* observa* obs apprec* \
         uwag* opmerk* osserv* adnotac* annot* sylw* nodiad* feedback* notas text memo description* cmt \
         cmnt cmts",
    ),
    (
        About::Grade,
        "grade* grd gr result* score* outcome* mark* mk mks *note* zensur* gradd* canlyniad* resultat* \
         resultado* nota notas calific* ocen* wynik* voto voti cijfer* attainment* punktzahl* wag cwg \
         classific*",
    ),
    (
        About::Subject,
        "subject* subj sbj *fach matiere* asignatura* materia* przedmiot* vak vakken pwnc* abhar* \
         discipline* disciplina* area",
    ),
    (
        About::Title,
        "assessment* assmt asmt title* test* exam* aspect* unit* component* paper* evaluation* *prufung* \
         examen epreuve* prueba* sprawdzian* asesiad* task* task assignment* module* work",
    ),
    (
        About::Round,
        "round* collection* resultset* cycle* capture* drop* window* term* semester* semestr* trimest* \
         okres* halbjahr* tymor* serie* sitting* point season* periodo*",
    ),
    (About::Kind, "kind* type* sort* what art typ* rodzaj* tipo soort nature clase"),
    (About::Scale, "scale* gradeset* bareme* escala* skala* graddfa*"),
    (About::Points, "point* pts pt *punkte* punkt* pkt puntos punti punten pontos pwynt* value"),
    (
        About::Event,
        "event* incident* inc incid* case *vorfall* incidence* incidente* incydent* zdarzen* parte \
         digwyddiad* occurrence*",
    ),
    (
        About::Conduct,
        "behavio* conduct* incident* *verhalten* comport* conducta* zachow* gedrag* ymddyg* achievement* \
         category* descriptor* reason* rheswm motif* motivo* grund powod* anlass*",
    ),
    (About::Polarity, "polarity* positive negative *lob* *tadel* praise plusminus good nature"),
    (About::Severity, "severity* sev level* seriousness* schwere* gravit* gravedad* difrifol* ernst* stufe"),
    (About::Place, "place* location* loc where* *ort lieu* lugar* miejsc* luogo plaats* lleoliad* site"),
    (About::Role, "role* part involve* involvement *rolle* rol ruolo rola"),
    (
        About::Action,
        "action* sanction* consequence* outcome* follow* *massnahm* mesure* medida* dzialan* kara \
         maatregel* provved* camau* response",
    ),
    (About::Status, "status* state* stat stand etat* estado* stato statws*"),
    (About::Due, "due deadline by respond*"),
    (About::Share, "share* parent* public* safe external*"),
    (About::Internal, "internal* *intern* private* narrative* confidential* staffonly interno* mewnol*"),
    (About::Host, "host* provider* receiving partner* visit* anfitrion* offsite placement* accueil*"),
    (About::Home, "home* sending origin* heimat* base*"),
    (
        About::Institution,
        "school* college* centre* center* institution* provider* establishment* *schule ecole* \
         etablissement* escuela* centro* ysgol* coleg*",
    ),
    (
        About::Staff,
        "staff* stf teacher* tchr tutor* employee* *lehrer* *lehrkraft* athro* enseignant* professeur* \
         prof profesor* docent* leraar* insegn* nauczyc* instructor* lecturer*",
    ),
    (About::Room, "room* rm *raum* zimmer* salle* sala aula* lokaal* ystafell* venue*"),
    (About::Cancelled, "cancel* called off *entfall* *ausfall* annul* canslo* suspend*"),
    (About::Closed, "closed closure* shut geschlossen* ferme* cerrado* cau"),
    (About::Week, "week* woche* semaine* semana* wythnos*"),
    (About::Lesson, "lesson* class*meeting *stunde* lsn gwers* seance* clase*"),
    (
        About::Entered,
        "entered keyed created logged recorded modified changed updated stamp* timestamp* saved erfasst* \
         saisi* wpis* invoer* registrado* cofnod*",
    ),
    (
        About::Enrolment,
        "enrol* enroll* registration* statut* entry joined admitted przyjec* inscri* iscriz* alta",
    ),
    (About::Needs, "need* support* bedarf* besoin* necesidad* angen*"),
    (About::Emergency, "emergency* notfall* urgence* emergencia* argyfwng*"),
    (About::Pastoral, "tutor* form reg registration homeroom pastoral* cofrestru* wychow* mentor* house"),
    (About::Candidate, "candidate* cand kandydat* kandidat*"),
    (
        About::Personal,
        "sex sexe sexo sesso gender plec geslacht geschlecht rhyw email mail phone tel telephone telefon* \
         address adres* postcode ethnic* year yr rok blwyddyn nc ncyear house sen pp fsm salutation hon \
         honorific form",
    ),
];
