"""Words and letters that give a language away, for mails too short for a statistical model."""

from __future__ import annotations

# Words people use in short mails to a support desk. A word of several languages counts for each of them, but less.
_WORDS = {
    "en": (
        "the and you is are was not have has please thanks thank hello it its works working work my with for this "
        "that what when how can cannot could would your we still again broken need help yes regards best dear i "
        "me they there printer screen account from been will does did don't doesn't yesterday today tomorrow "
        "received order invoice good morning everything fine cheers done great perfect sent see below attached "
        "let know kind of to any all now just got"
    ),
    "de": (
        "der die das und ist nicht ich bitte danke vielen dank hallo mit für auf den dem ein eine einen sie wir "
        "guten tag noch immer kann können geht gruß grüße grüßen freundlichen mein meine keine auch wie habe "
        "haben wurde wird es uns ihre ihr drucker kaputt wieder mehr aber oder schon heute morgen gestern "
        "rechnung bestellung passt super anbei vom zum zur bei leider jetzt funktioniert alles klar im ja nein"
    ),
    "fr": (
        "le la les et est pas je vous merci bonjour avec pour sur une des du nous mon ma mes votre ne ça ce cette "
        "que qui dans plus encore toujours bien reçu cordialement salut oui voici svp s'il plaît beaucoup marche "
        "fonctionne facture commande imprimante écran compte aujourd'hui demain hier ci-joint au aux j'ai c'est "
        "mais"
    ),
    "es": (
        "el los las y es no gracias hola con para por una un mi su del que en lo se muchas buenos días buenas "
        "tardes todavía sigue funciona ayuda necesito favor saludos sí pero cuando cómo ya está factura pedido "
        "hoy mañana ayer impresora pantalla roto rota cuenta adjunto muy tengo puedo perfecto vale de acuerdo"
    ),
    "pt": (
        "o os as e não obrigado obrigada olá com para por uma um meu minha seu do da dos das que em bom dia boa "
        "tarde ainda funciona ajuda preciso favor atenciosamente sim mas quando como já está fatura pedido hoje "
        "amanhã ontem impressora anexo muito tenho posso você vocês isso cumprimentos"
    ),
    "it": (
        "il lo gli e è non grazie ciao con per una un mio mia suo del della che in buongiorno buonasera ancora "
        "funziona aiuto saluti sì ma quando come già sono fattura ordine oggi domani ieri stampante allegato "
        "molto ho posso cordiali salve mille questo di le va bene perfetto"
    ),
    "nl": (
        "de het een en is niet ik bedankt dank hallo met voor op van wij u je mijn uw nog steeds kan werkt groet "
        "groeten vriendelijke graag geen ook hoe maar wel heb heeft wordt bijlage factuur bestelling vandaag "
        "morgen gisteren alvast goedemorgen goedemiddag prima weer doet zijn naar dat dit ja nee"
    ),
    "da": (
        "jeg ikke det er og at en et tak hej med for på til af har kan vi din min stadig virker nu hvad hvordan "
        "venlig hilsen også efter bliver meget faktura ordre dag morgen været fået mine ind op noget kunne blev "
        "jer hvornår igen printeren igennem adgangskode ja nej"
    ),
    "no": (
        "jeg ikke det er og å en et takk hei med for på til av har kan vi din min fortsatt virker nå hva hvordan "
        "vennlig hilsen også etter blir mye faktura bestilling dag vært fått mine inn opp noe kunne ble dere når "
        "igjen fungerer skriveren skriver fra bare mvh logg passordet ja nei"
    ),
    "sv": (
        "jag inte det är och att en ett tack hej med för på till av har kan vi din min fortfarande fungerar nu "
        "vad hur vänlig vänliga hälsning hälsningar också efter blir mycket faktura beställning dag imorgon varit "
        "fått mina in upp något kunde blev ni när igen mvh skrivaren från bara ja nej"
    ),
    "fi": (
        "ja on ei en minä kiitos hei moi kanssa että se tämä voi vielä toimii nyt mitä miten ystävällisin "
        "terveisin myös lasku tilaus tänään huomenna eilen olen ole kun mutta tulostin hyvä hyvää päivää "
        "liitteenä"
    ),
    "pl": (
        "i jest nie dziękuję dzięki dzień dobry witam z w na do się że to proszę o pomoc działa nadal jak kiedy "
        "już pozdrawiam pozdrowienia tak ale mam mogę faktura zamówienie dziś dzisiaj jutro wczoraj załączeniu "
        "mój moja drukarka cześć"
    ),
    "cs": (
        "a je ne není děkuji díky dobrý den s v na do se že to prosím pomoc funguje stále jak kdy už pozdravem "
        "ano ale mám mohu faktura objednávka dnes zítra včera příloze můj moje tiskárna ahoj nefunguje zdravím "
        "jsem"
    ),
    "sk": (
        "a je nie ďakujem dobrý deň s v na do sa že to prosím pomoc funguje stále ako kedy už pozdravom áno ale "
        "mám môžem faktúra objednávka objednávku moja dnes zajtra včera prílohe môj tlačiareň ahoj nefunguje som"
    ),
    "hu": (
        "a az és nem van köszönöm kösz szia üdv üdvözlettel jó napot kívánok hogy egy kérem segítség működik még "
        "mindig hogyan mikor már igen de számla rendelés ma holnap tegnap csatolva nyomtató most szépen tisztelt"
    ),
    "ro": (
        "și şi nu este mulțumesc mulţumesc bună ziua cu pentru pe la un o că în vă rog ajutor funcționează încă "
        "cum când deja da dar factură factura comandă azi mâine ieri atașat stimă salut merge acum imprimanta "
        "sunt am"
    ),
    "tr": (
        "ve bir bu için teşekkürler teşekkür ederim merhaba ile çok değil lütfen yardım çalışıyor hala nasıl ne "
        "zaman evet ama fatura sipariş bugün yarın dün ekte saygılarımla iyi günler yazıcı şimdi var yok sayın "
        "selamlar"
    ),
    "vi": (
        "và là không cảm ơn xin chào với cho của tôi bạn được các một này giúp vui lòng hoạt động vẫn như thế nào "
        "khi đã nhưng hóa đơn hàng hôm nay mai trân trọng máy in"
    ),
    "id": (
        "dan yang tidak terima kasih halo dengan untuk saya anda ini itu di ke dari tolong bantu bantuan sudah "
        "belum masih bagaimana kapan bisa tetapi faktur pesanan hari besok kemarin terlampir salam selamat pagi "
        "siang mohon printer"
    ),
    "lt": (
        "ir yra ne ačiū labas su dėl kad prašau pagalba veikia vis dar kaip kada jau taip bet sąskaita užsakymas "
        "šiandien rytoj vakar pagarbiai laba diena negaliu spausdintuvas"
    ),
    "lv": (
        "un ir nav paldies labdien sveiki ar par ka lūdzu palīdzība darbojas joprojām kā kad jau jā bet rēķins "
        "pasūtījums šodien rīt vakar cieņu es nevaru printeris"
    ),
    "et": (
        "ja on ei aitäh tere koos et see palun abi töötab ikka kuidas millal juba jah aga arve tellimus täna "
        "homme eile lugupidamisega ma saa printer tänan"
    ),
    "hr": (
        "i je ne hvala pozdrav s u na da se to molim pomoć radi još kako kada već ali imam mogu račun narudžba "
        "danas sutra jučer prilogu poštovani pisač lijep"
    ),
    "sl": (
        "in je ne hvala pozdrav z v na da se to prosim pomoč deluje še kako kdaj že ampak imam lahko račun "
        "naročilo danes jutri včeraj prilogi spoštovani tiskalnik lep morem"
    ),
    "ca": (
        "el els les i és no gràcies hola amb per una un meu del que en bon dia encara funciona ajuda necessito si "
        "us plau salutacions sí però quan com ja està factura comanda avui demà ahir molt tinc puc"
    ),
    "is": (
        "og er ekki ég takk halló með fyrir á til hef get við þinn minn enn virkar núna hvað hvernig kveðja líka "
        "eftir reikningur dag kemst prentari góðan daginn"
    ),
    "ru": (
        "и не спасибо здравствуйте добрый день это что как на с у меня пожалуйста помогите работает до сих пор "
        "уже да но счет счёт заказ сегодня завтра вчера уважением привет принтер мы вы по для был есть нет все "
        "всё еще ещё"
    ),
    "uk": (
        "і не дякую добрий день доброго дня це що як на з у мене будь ласка допоможіть працює досі вже так але "
        "рахунок замовлення сьогодні завтра вчора повагою привіт принтер ми ви для був є немає вітаю"
    ),
    "bg": (
        "и не благодаря здравейте добър ден това че как на с ме моля помогнете работи още вече да но сметка "
        "поръчка днес утре къде поръчката вчера поздрави привет принтерът ние вие за беше има няма съм се"
    ),
    "sr": ("и је не хвала поздрав са у на да се то молим помоћ ради још како када већ али имам рачун данас сутра јуче"),
}
_LETTERS = {
    **dict.fromkeys("ßẞ", "de"),
    **dict.fromkeys("œ", "fr"),
    **dict.fromkeys("ñ¿¡", "es"),
    **dict.fromkeys("ãõ", "pt"),
    **dict.fromkeys("łśźżńć", "pl"),
    **dict.fromkeys("ěřů", "cs"),
    **dict.fromkeys("ľĺŕ", "sk"),
    **dict.fromkeys("őű", "hu"),
    **dict.fromkeys("șț", "ro"),
    **dict.fromkeys("ığ", "tr"),
    **dict.fromkeys("ơưạảấầẩẫậắằẳẵặẹẻẽếềểễệịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ", "vi"),
    **dict.fromkeys("ėųį", "lt"),
    **dict.fromkeys("ģķļņ", "lv"),
    **dict.fromkeys("þð", "is"),
    **dict.fromkeys("іїєґ", "uk"),
    **dict.fromkeys("ыэё", "ru"),
    **dict.fromkeys("јљњћђџ", "sr"),
}


def _weights() -> dict[str, tuple[tuple[str, float], ...]]:
    """For each word the languages it speaks for: a whole vote for one's own, a shared one for common words."""
    owners: dict[str, list[str]] = {}
    for language, words in _WORDS.items():
        for word in dict.fromkeys(words.split()):
            owners.setdefault(word, []).append(language)
    return {word: tuple((name, 1.0 / len(names) ** 1.5) for name in names) for word, names in owners.items()}


_VOTES = _weights()


def votes(words: list[str], letters: set[str]) -> dict[str, float]:
    """How much the words and letters of a text speak for each language. ``words`` are in lower case."""
    total: dict[str, float] = {}
    for word in dict.fromkeys(words):
        for language, weight in _VOTES.get(word, ()):
            total[language] = total.get(language, 0.0) + weight
    for letter in letters & _LETTERS.keys():
        language = _LETTERS[letter]
        total[language] = total.get(language, 0.0) + 1.0
    return total
