"""The words of machines, in many languages: subjects and phrases of absences, bounces, receipts and challenges.

Every pattern is linear: it is anchored or bounded, and no repetition stands beside another unbounded one. Those named
``…_WORDS`` are for a text in lower case, which is several times faster than to let each of them look for both cases.
"""

from __future__ import annotations

import re

_END = r"(?:[\])】）』]|\s{0,5}(?:[:：|\-–—!！.。(（\[【<\"]|$))"
_BEGIN = r"\A"

DECORATION = ' \t\r\n[(【（『"'
"""What may stand before a subject; it is taken off before the patterns for beginnings are asked."""

ABSENCE_SUBJECT = re.compile(
    _BEGIN + r"(?:"
    r"auto(?:matic|mated|matisch)?[ -]?(?:e-?mail[ -]?)?(?:reply|respon[sd]er?|response|answer)(?: from .{1,60})?"
    r"|automatically generated reply|out[ -]of[ -](?:the[ -])?office(?: auto-?(?:reply|response)| reply| notice"
    r"| notification| message| assistant)?"
    r"|ooo|vacation (?:reply|response|message|notice|autoreply)|away from (?:my|the) (?:e-?mail|mail|office|desk)"
    r"|absence (?:notice|notification)"
    r"|automatische (?:antwort|abwesenheitsnotiz|abwesenheitsmeldung|rückantwort|e-?mail-antwort)|autoantwort"
    r"|abwesenheits(?:notiz|meldung|nachricht|info|assistent|benachrichtigung|hinweis|mitteilung|agent)"
    r"|abwesend|abwesenheit|(?:ich bin )?(?:derzeit |zur zeit )?nicht im büro|außer haus"
    r"|r[ée]ponse (?:automatique|auto|d['’]absence)|(?:message|notification|avis) d['’]absence"
    r"|absence du bureau|absente? du bureau|absent\(e\) du bureau"
    r"|respuesta (?:automática|automatica)|contestación automática|autorespuesta"
    r"|(?:estoy )?fuera de (?:la )?oficina|aviso de ausencia"
    r"|resposta (?:automática|automatica)|(?:estou )?fora do escrit[óo]rio|ausente do escrit[óo]rio"
    r"|aus[êe]ncia tempor[áa]ria"
    r"|ausência do escritório|aviso de ausência"
    r"|risposta (?:automatica|fuori sede)|fuori (?:sede|ufficio)|assente dall['’]ufficio|messaggio di assenza"
    r"|automatisch(?: |e )(?:antwoord|bericht|beantwoording|reactie)|afwezigheids(?:bericht|melding|assistent)"
    r"|afwezig(?:heid)?|niet (?:op kantoor|aanwezig)"
    r"|autosvar|automatisk (?:svar|svarmelding)|automatiskt (?:svar|meddelande)|frånvaro(?:meddelande|besked)?"
    r"|fravær(?:sbesked|smelding|sassistent)?|ikke (?:på|til stede på) kontoret|ej på kontoret|inte på kontoret"
    r"|automaattinen (?:vastaus|poissaoloviesti)|poissaolo(?:viesti|ilmoitus)|poissa toimistosta|sjálfvirkt svar"
    r"|odpowiedź automatyczna|automatyczna odpowiedź|autoodpowiedź|(?:jestem )?poza biurem"
    r"|nieobecność(?: w biurze)?"
    r"|automatická (?:odpověď|odpoveď)|mimo kancelář|nepřítomnost|automatikus válasz|házon kívül"
    r"|răspuns automat|automatski odgovor|samodejni odgovor|automātiskā atbilde|automatinis atsakymas|automaatvastus"
    r"|otomatik (?:yanıt|cevap)|ofis dışında|αυτόματη απάντηση|εκτός γραφείου"
    r"|автоматический ответ|автоматическое уведомление об отсутствии|авто-?ответ(?:чик)?|вне офиса"
    r"|нет на (?:рабочем )?месте"
    r"|автоматична відповідь|автоматичен отговор|automatska odpoved"
    r"|trả lời tự động|balasan otomatis|jawapan automatik|ตอบกลับอัตโนมัติ|ข้อความตอบกลับอัตโนมัติ|رد تلقائي"
    r"|الرد التلقائي"
    r"|תשובה אוטומטית|מענה אוטומטי|स्वचालित उत्तर"
    r"|自动(?:回复|答复|应答|回信)|自動(?:回覆|回復|答覆|回信)|外出自动(?:回复|答复)|外出自動回覆"
    r"|(?:外出|休假|离岗|出差|不在办公室)(?:通知|自动回复)"
    r"|自動(?:返信|応答|送信)(?:メール|メッセージ)?|不在(?:通知|連絡|メール|のお知らせ|のご連絡)"
    r"|자동 ?(?:회신|응답|답장)(?: ?메일)?|부재중(?: 자동 ?회신| 안내| 알림)?|부재 ?중"
    r")" + _END,
    re.IGNORECASE,
)
"""What nobody but an absence program puts in front of a subject."""

ABSENCE_MARK = re.compile(
    r"[\[(【（](?:auto(?:matic)?[ -]?(?:reply|response)|out of office|ooo|自动回复|自動回覆|自動返信|abwesend)"
    r"[\])】）]\s{0,3}$",
    re.IGNORECASE,
)
"""The same, put behind a subject."""

AUTO_AWAY = re.compile(
    r"\s{0,5}auto(?:matic)?\s{0,2}[:：].{1,120}(?:out of (?:the |my )?office|\baway\b|on (?:leave|vacation|holiday)"
    r"|abwesend|nicht im (?:büro|haus)|absente?\b|fuera de|fuori|ausente|afwezig|不在|外出)",
    re.IGNORECASE,
)
"""The subject of Notes and Domino: "AUTO: … is out of the office (returning …)"."""

AWAY_SUBJECT = re.compile(
    _BEGIN + r"(?:i am |i'm |i’m |i will be )?(?:currently |now )?(?:out of (?:the )?office|away from (?:my|the) "
    r"(?:office|desk|e-?mail)|on (?:annual |maternity |parental |paternity |sick )leave|on (?:vacation"
    r"|holidays?) until)",
    re.IGNORECASE,
)
"""How somebody who is away titles an automatic reply; the text must say so too."""

ABSENCE_HINT = re.compile(
    _BEGIN + r"(?:auto\s{0,2}[:：]|(?:i am |i'm |i’m )?(?:currently )?(?:away|on (?:vacation|holidays?|leave))"
    r"|(?:my )?(?:vacation|holiday|absence)\b"
    r"|(?:annual|maternity|parental) leave|urlaub|im urlaub|absente?\b|en vacances|congés|ausente|de vacaciones"
    r"|de férias|in ferie|assente|met (?:vakantie|verlof)|på (?:ferie|semester)|semester\b|lomalla|na urlopie|urlop\b"
    r"|dovolená|szabadság|izinde|в отпуске|отпуск|у відпустці|休假|放假|外出|出差|不在|休暇|夏季休業|휴가|출장"
    r"|thank you for (?:your (?:e-?mail|message|inquiry|enquiry)|contacting)"
    r"|(?:we (?:have )?|we've )?received your (?:e-?mail|message|request|enquiry|inquiry)"
    r"|your (?:e-?mail|message|request) (?:has been|was) received|感谢您的来信|您的(?:邮件|来信)(?:我)?已收到)",
    re.IGNORECASE,
)
"""What a program or a person may write: it must answer a mail, and the text must be that of a program."""

ABSENCE_WORDS = re.compile(
    r"\b(?:out of (?:the |my )?office|out of town|on (?:annual |maternity |parental |paternity |sick |extended )?"
    r"(?:leave|vacation|holidays?) (?:until|till|from|through|and)|away from (?:my |the )?(?:office|desk|e-?mail)"
    r"|limited access to (?:my )?e-?mail|no access to (?:my )?e-?mail|will (?:be )?(?:return|back)(?:ing)? (?:on"
    r"|to the)"
    r"|not in the office|currently away|respond (?:to your (?:e-?mail|message) )?(?:when i|upon my|on my) return"
    r"|nicht im (?:büro|haus)|außer haus|im urlaub|abwesend|bin ich wieder (?:erreichbar|zurück|im büro)"
    r"|(?:wird|werden) nicht weitergeleitet"
    r"|absente? (?:du bureau|jusqu|du \d)|en congés?|de retour le|fuera de (?:la )?oficina|de vacaciones|ausente"
    r"|fora do escrit[óo]rio|de férias|ausente|fuori (?:sede|ufficio)|in ferie|assente"
    r"|niet (?:op kantoor|aanwezig)|afwezig|met (?:vakantie|verlof)|ikke på kontoret|på ferie|ikke til stede"
    r"|inte på kontoret|på semester|tillbaka den|poissa|lomalla|poza biurem|na urlopie|nieobecn|mimo kancelář"
    r"|na dovolené|szabadságon|izinde|ofis dışında|вне офиса|в отпуске|отсутству|у відпустці|відсутн)"
    r"|不在办公室|外出期间|正在休假|休假中|休假期间|无法及时回复|不能及时回复|出差(?:中|期间)|已收到您的(?:邮件"
    r"|来信)|您的(?:邮件|来信)(?:我)?已(?:经)?收到"
    r"|不在辦公室|休假|不在にして|不在の(?:ため|期間)|休暇(?:中|を)|外出して|부재|휴가|자리를 비"
)

DEPUTY_WORDS = re.compile(
    r"(?:urgent|immediate(?:ly)? (?:assistance|help|attention)|(?:in|during) my absence|please contact|limited access"
    r"|no access|(?:upon|on|after|until) my return|when i (?:return|get back|am back)|not be forwarded"
    r"|wenden sie sich|in dringenden|dringend|während meiner|nicht weitergeleitet|vertret"
    r"|en cas d['’]urgence|(?:pendant|durant|en) mon absence|à mon retour|merci de contacter"
    r"|en mi ausencia|durante mi ausencia|a mi regreso|póngase en contacto|contacte"
    r"|na minha ausência|durante a minha|em caso de urgência|contact(?:ar|e)|in mia assenza|al mio rientro|rivolger"
    r"|in mijn afwezigheid|bij spoed|neem (?:dan )?contact|ved haste|i mit fravær|vid brådskande|kontakta|kontakt"
    r"|kiireelli|w sprawach pilnych|pilny|v naléhavých|sürgős|acil|по срочным|в срочн|обращайтесь|терміново"
    r"|紧急|急事|请联系|請聯絡|請聯繫|回来后|返回后|尽快(?:给您)?(?:回复|处理|答复)|お急ぎ|緊急|戻り次第|급한|긴급)"
)
"""Whom to ask instead, and until when: a person who is away tells a program to write this."""

COURTESY_WORDS = re.compile(
    r"(?:(?:thank you|thanks) for (?:your|the|contacting|writing|getting in touch)"
    r"|(?:have |has been )?received your (?:e-?mail|mail|message|request|inquiry|enquiry)"
    r"|(?:get back|reply|respond) to you (?:as soon as|shortly|soon|within|when)"
    r"|(?:vielen|herzlichen|besten) dank für (?:ihre|deine)|ihre (?:e-?mail|nachricht|anfrage) (?:ist|wurde|haben)"
    r"|merci (?:pour|de) votre|nous avons bien reçu|gracias por (?:su|tu|contactar|escribir)|hemos recibido su"
    r"|obrigad[oa] (?:pelo|por)|recebemos (?:o )?s(?:eu|ua)|grazie per|abbiamo ricevuto"
    r"|(?:hartelijk )?(?:bedankt|dank) voor (?:uw|je)|wij hebben uw|tak for din|tack för ditt|takk for|kiitos viestist"
    r"|dziękuj(?:ę|emy) za|děkuj(?:i|eme) za|köszön(?:öm|jük)|teşekkür|спасибо за|ваше (?:письмо|сообщение|обращение)"
    r"|感谢您?的?(?:来信|来邮|邮件|咨询|关注)|(?:已|我已|我们已)(?:经)?收到|来信已收|邮件已收|尽快(?:给您|与您|回复|处理|联系|答复)"
    r"|感謝您|已收到您|お問い合わせ(?:いただき|ありがとう)|ありがとうございます|受け付けました|감사합니다|접수)"
)
"""What a program says to be polite; with an automatic reply's subject it is one."""

GENERATED_WORDS = re.compile(
    r"(?:this is an? (?:automated|automatic|auto-?generated|automatically generated|system[- ]generated)"
    r" (?:e-?mail |mail )?(?:message|reply|response|e-?mail|mail|notification|answer|confirmation|acknowledge?ment)"
    r"|(?:this|the) (?:e-?mail|message|mail|notification) (?:was|is|has been) (?:automatically |auto-?)"
    r"(?:generated|sent|created)"
    r"|(?:please )?do not (?:reply|respond) (?:directly )?to this (?:e-?mail|message|mail|address)|unmonitored"
    r"|diese (?:e-?mail|nachricht) (?:wurde|ist) automatisch|bitte antworten sie nicht auf diese"
    r"|ce (?:message|courriel|mail) (?:a été|est) (?:généré|envoyé) automatiquement"
    r"|merci de ne pas (?:y )?répondre|ne pas répondre à ce"
    r"|(?:este|esta) (?:mensaje|correo|mensagem|e-?mail) (?:ha sido|fue|es|foi|é) (?:generad|enviad|gerad)"
    r"|no responda a este|não responda a (?:este|esta)"
    r"|messaggio (?:è stato )?generato automaticamente|non rispondere a quest|dit is een automatisch"
    r"|automatisch gegenereerd"
    r"|это (?:автоматическое|сообщение (?:создано|отправлено) автоматически)|не отвечайте на это"
    r"|(?:此|本|该|這|这)(?:是|为|為)?(?:一)?(?:封)?(?:邮件|信|郵件|电子邮件|系统)?(?:是|由|为|為)?(?:系统|系統"
    r"|程序)?"
    r"(?:自动|自動)(?:发出|发送|生成|發出|發送|回复|回覆)"
    r"|请勿(?:直接)?回复(?:此|本)?|請勿(?:直接)?回覆|このメールは(?:自動|システム)|自動(?:的に)?送信|本メールは自動"
    r"|이 (?:메일|메시지)은? ?자동|발신 ?전용)"
)

BOUNCE_SUBJECT = re.compile(
    _BEGIN + r"(?:undeliver(?:able|ed)\b|undelivered mail returned|non[ -]?deliver(?:able|y)|not delivered\b"
    r"|delivery (?:status notification|failure|failed|has failed|incomplete|delayed|delay|error|report|problem)"
    r"|delivery notification|delayed (?:mail|delivery)|(?:e-?)?mail (?:delivery|could not be delivered)"
    r"|mail (?:system error|returned|error)|returned (?:e-?)?mail|returned to sender|return(?:ed)? message"
    r"|failure notice|failure delivery|fail(?:ed|ure) (?:delivery|notice|notification|to deliver|mail)"
    r"|(?:your )?message (?:could not be delivered|not delivered|undeliverable|delivery failure|status|delayed)"
    r"|nondeliverable|notification of (?:delivery|delay)|warning: (?:could not send|message)|unable to deliver"
    r"|bounced? "
    r"|could not (?:be delivered|send message)|delivery to .{1,80} failed|user unknown|address not found|rejected:"
    r"|mail status report|mailer-daemon|blocked:|dsn:"
    r"|nicht zustellbar|unzustellbar|(?:mail|e-mail)?-?zustellung (?:fehlgeschlagen|gescheitert|verzögert)"
    r"|zustellfehler|zustellung (?:nicht möglich|fehlgeschlagen)|nachricht (?:nicht|konnte nicht)|fehlgeschlagene"
    r"|non remis|échec de (?:la )?(?:remise|livraison|distribution)|message non (?:remis|distribué|délivré)"
    r"|remise retardée|avis de non[ -]"
    r"|no se puede entregar|no entregado|no se pudo entregar|error (?:en|de) (?:la )?entrega"
    r"|notificación de estado de entrega|devuelto|correo devuelto"
    r"|não é possível entregar|não entregue|falha na entrega|mensagem não entregue|entrega (?:adiada|falhou)"
    r"|non recapitabile|recapito (?:non riuscito|fallito)|mancata consegna|consegna (?:fallita|ritardata)|impossibile"
    r"|onbestelbaar|niet (?:bezorgd|besteld|afgeleverd)|kan niet worden bezorgd|ikke leveret|kan ikke leveres"
    r"|ikke levert|uleverbar|kan inte levereras|ej levererat|det gick inte att leverera"
    r"|toimittaminen epäonnistui|toimittamaton|niedostarczon|nie można dostarczyć|nie dostarczono|zwrot:"
    r"|nedoručiteln|nelze doručit|kézbesíthetetlen|nelivrat|teslim edilemedi|δεν παραδόθηκε"
    r"|не удалось доставить|недоставлен|не доставлено|сообщение не доставлено|ошибка доставки|возврат"
    r"|(?:来自.{1,60}的)?(?:系统)?退信|系统退信|邮件(?:退回|退信|投递失败|未送达|发送失败|被退回)|投递失败"
    r"|无法(?:投递|送达|传递|发送)|未送达|未能送达"
    r"|發送失敗|傳送失敗|無法(?:傳遞|投遞|送達|傳送)|退信通知|未傳遞|寄件失敗"
    r"|配信(?:不能|できません|エラー|不可|に失敗)|配達不能|送信(?:エラー|できません)|メール(?:が|を)?配信|メールエラー|(?:전송"
    r"|배달|발송) ?(?:실패|불가)|반송|배달되지)",
    re.IGNORECASE,
)

BOUNCE_WORDS = re.compile(
    r"(?:could ?n[o']?t be delivered|not be delivered|unable to deliver|undeliver(?:able|ed)|delivery (?:has )?failed"
    r"|did not reach the following|failed permanently|permanent (?:fatal )?error|returned to (?:the )?sender"
    r"|qmail-send program|user unknown|unknown user|no such user|address rejected|recipient rejected"
    r"|mailbox (?:is )?(?:full|unavailable|not found)|does not exist|over quota"
    r"|not a valid (?:user|address|recipient|mailbox)"
    r"|message (?:was not|wasn't|has not been) delivered|blocked from sending"
    r"|delivery to the following recipients? (?:has been delayed|failed)|delivery (?:is |has been "
    r"|temporarily )delayed"
    r"|nicht zugestellt|unzustellbar|n['’]a pas pu être (?:remis|distribué|livré)|no se (?:pudo|ha podido) entregar"
    r"|não (?:pôde|foi possível)|non (?:è stato possibile|consegnat)|niet (?:worden )?(?:bezorgd|afgeleverd)"
    r"|не (?:может быть|было|удалось) доставлен|не удалось доставить|недоставлен"
    r"|(?:退信|被退回|无法(?:投递|送达|发送到)|投递失败|发送失败|不存在|拒收|未能送达)|配信でき|届けられません"
    r"|전달(?:할|되지))"
)

BOUNCE_NOTICE = re.compile(
    r"(?:(?:your|the|this) (?:e-?mail|message|mail)\b.{0,120}(?:(?:could|can) ?n[o']?t be delivered|not delivered"
    r"|undeliverable)|(?:following|failed|intended) recipients?|unable to deliver (?:your |the |this )?(?:e-?mail"
    r"|message|mail) to|votre message n['’]a pas pu|ihre (?:nachricht|e-?mail|mail) konnte nicht"
    r"|su (?:mensaje|correo) no (?:pudo|se)|sua mensagem não)",
    re.IGNORECASE,
)
"""How a mail system begins to tell that it could not deliver; somebody who asks for help speaks of himself."""

OWN_VOICE = re.compile(
    r"\b(?:i|i['’]m|i['’]ve|my|me|mine|we|our|us|hi|hello|hey|dear|thanks|thank|help|ich|mich|mir|mein\w{0,2}|wir"
    r"|unser\w{0,2}|hallo|bitte|je|mon|ma|mes|nous|notre|bonjour|merci|yo|mi|mis|hola|gracias"
    r"|eu|meu|minha|olá|obrigad[oa])\b|[我你]",
    re.IGNORECASE,
)
"""Words of a person, as no mail system writes them at the head of a notice."""

READ_SUBJECT = re.compile(
    r"\A(?:read(?: receipt)?|not read|gelesen|lesebestätigung|ungelesen|lu|confirmation de lecture|leído"
    r"|confirmación de lectura|lido|confirmação de leitura|lida|letto|conferma di lettura|gelezen|leesbevestiging"
    r"|læst|lest|läst|luettu|przeczytane|прочитано|прочтено|okundu|přečteno|olvasva"
    r"|已读(?:回执)?|已讀(?:回條)?|开封确认|開封済み|開封確認|읽음|return receipt(?: \(displayed\))?"
    r"|disposition notification)\s{0,5}(?:[:：\-(]|$)",
    re.IGNORECASE,
)

READ_WORDS = re.compile(
    r"(?:this is a (?:return )?receipt for the (?:e-?mail|mail|message) (?:that )?you sent|was (?:read|displayed) on"
    r"|this return receipt only acknowledges|has been (?:read|displayed) on the recipient"
    r"|wurde (?:gelesen|am .{1,60} gelesen)|a été lu le|fue leído|已于.{1,60}阅读|这是您发送的邮件的回执|已被阅读)"
)

CHALLENGE_SUBJECT = re.compile(
    r"(?:please confirm your (?:message|e-?mail)|confirm(?:ation)? (?:is )?(?:required|needed|request)"
    r"|your (?:e-?mail|message|mail) to .{1,80} requires (?:confirmation|verification)|verify you are human"
    r"|verification (?:needed|required|request)"
    r"|verify your (?:message|e-?mail to|identity as a sender)|sender (?:verification|confirmation|authentication)"
    r"|(?:message|mail) (?:verification|awaiting (?:confirmation|your verification))"
    r"|awaiting your (?:confirmation|approval)"
    r"|one[- ]time (?:sender )?(?:verification|confirmation|authentication)|boxbe|spam ?arrest|bitbounce"
    r"|absenderbestätigung|bitte bestätigen sie ihre (?:nachricht|e-?mail)"
    r"|vérification de l['’]expéditeur|confirmez votre (?:message|envoi)|mailinblack)",
    re.IGNORECASE,
)

CHALLENGE_WORDS = re.compile(
    r"(?:(?:click|visit|follow|go to|reply to|respond to).{1,80}(?:verify|confirm|prove|authenticate|deliver|release)"
    r"|(?:message|e-?mail|mail) .{0,60}(?:(?:is|has been) (?:being |still )?(?:held|waiting)"
    r"|will (?:only |then |not )?be delivered)"
    r"|challenge[- ]response|spam ?arrest|boxbe|bitbounce|mailinblack|spamblocker|approved senders?"
    r"|permitted sender|to (?:reach|deliver) .{1,60}(?:inbox|mailbox)"
    r"|bestätigen sie .{1,80}(?:zugestellt|absender)|cliquez .{1,80}(?:confirmer|valider|authentifier))"
)

CHALLENGE_TEXT = re.compile(
    r"(?:account|mailbox|inbox|address|e-?mail) is protected by .{1,80}(?:click|follow|visit|open|reply).{1,160}"
    r"(?:allowed|approved|white-?list|deliver)",
    re.IGNORECASE,
)
"""A challenge that keeps our own subject: what it says is enough, beside a link."""

COMPLAINT_SUBJECT = re.compile(r"complaint about message from \[?[\da-f.:]{7,45}\]?\Z", re.IGNORECASE)
"""How a large provider passes on that somebody called a mail of ours spam, without the form of RFC 5965."""

NOTICE_SUBJECT = re.compile(
    r"\A(?:cron <|(?:firing|resolved|alerting|ok|no data)(?::\d{1,5})?\]|\*\* (?:problem|recovery|"
    r"acknowledgement|flapping)"
    r"|(?:problem|recovery|critical|warning|down|up|alert|alarm)\b ?[:：\-]|logwatch for|(?:security"
    r"|sicherheits)[ -]?(?:alert|warnung)"
    r"|(?:new )?(?:sign-?in|login) (?:to|from|attempt|alert)|unusual sign-?in|password (?:changed|reset)"
    r"|your (?:order|invoice"
    r"|verification code|one-time)|(?:build|pipeline|job) (?:failed|broken|fixed|passed|#\d)|安全(?:提醒|警报)"
    r"|验证码|登录提醒)",
    re.IGNORECASE,
)

ROBOT = re.compile(
    r"(?:^|[._+-])(?:no[._-]?reply|do[._-]?not[._-]?reply|dont[._-]?reply|noreply|not?[._-]?responder"
    r"|ne[._-]?pas[._-]?repondre"
    r"|nicht[._-]?antworten|nao[._-]?respond[ae]r?|non[._-]?rispondere|niet[._-]?beantwoorden|svara[._-]?inte"
    r"|ikke[._-]?svar|automailer|auto[._-]?mail)(?:$|[._+-]|\d)"
)
RESPONDER = re.compile(r"(?:^|[._+-])auto[._-]?(?:reply|replies|respond|responder|response|antwort)(?:$|[._+-]|\d)")
DAEMON = re.compile(r"(?:mailer[._-]?daemon|mail[._-]?daemon|mdaemon)(?:$|[._+=-])|bounces?(?:$|[+=-])")
POSTMAN = re.compile(
    r"(?:postmaster|post-master|mail[._-]?admin|mail[._-]?delivery|mail[._-]?system|mta|microsoftexchange\w{1,60}"
    r"|mailsystem"
    r"|mailsweeper|mailgate\w{0,20}|mdaemon|postoffice|mailmaster|mailerdaemon|mail_delivery\w{0,20})(?:$|[._+=-])"
)
POSTMAN_NAME = re.compile(
    r"(?:mail(?:er)? delivery|mailer-daemon|mail administrator|internet mail delivery|delivery subsystem|postmaster"
    r"|mail router|exchange administrator|microsoft outlook.{0,40}microsoftexchange|退信|邮件系统)",
)
PROGRAM = re.compile(
    r"(?:alerts?|alarms?|monitor(?:ing)?|nagios|zabbix|icinga|prometheus|grafana|cron|root|daemon|www-data"
    r"|jenkins|builds?"
    r"|ci|robot|bot|system|administrator|mailer|mail|smtp|server|listserv|majordomo|notif(?:y|ier|ications?)|updates?"
    r"|newsletters?)(?:$|[._+=\d-])"
)
"""Addresses that programs have far more often than people."""

QUESTION = re.compile(r"([^.!?。！？¿؟]{0,200})[?？؟]")
LINK = re.compile(r"https?://\S{1,500}")
DEPUTY_QUESTION = re.compile(
    r"\s{0,3}(?:do you need|need|have|is (?:it|this|your (?:matter|request|inquiry))|got|any|in case of|haben sie"
    r"|ist es|avez-vous|est-ce)?\s?(?:an?\s|any\s|some)?(?:urgent|immediate|emergency|questions?\b|dringend"
    r"|eine dringende"
    r"|une urgence|fragen\b|help now)",
    re.IGNORECASE,
)
"""What a program asks to say whom to turn to instead."""
