"""How mail clients draw a line above what they quote or pass on, and below what somebody wrote."""

from __future__ import annotations

# Header blocks and titles above a quote that runs to the end.
BLOCKS = (
    (
        "-----Original Message-----\nFrom: Support [mailto:s@example.com]\nSent: Monday, March 2, 2026 10:00 AM\nTo: "
        "Ana\nSubject: Printer"
    ),
    "-----Original Message-----",
    "Date: Mon, 2 Mar 2026 10:00:00 +0000 From: support@example.com To: Lima, Ana Subject: Printer",
    (
        "-------- Original message --------\nFrom: Support <s@example.com>\nDate: 02/03/2026 10:00 (GMT+01:00)\nTo: "
        "Ana\nSubject: x"
    ),
    (
        "-------- Original Message --------\nSubject: \tRe: x\nDate: \tMon, 2 Mar 2026 10:00:00 +0100\nFrom: "
        "\tSupport <s@example.com>\nTo: \tAna"
    ),
    "------- Original Message -------\nOn Monday, March 2nd, 2026 at 10:00 AM, Support <s@example.com> wrote:",
    (
        '------------------ Original ------------------\nFrom: "Support" <s@example.com>;\nDate: Mon, Mar 2, 2026 '
        '10:00 AM\nTo: "Ana"<ana@example.net>;\nSubject: x'
    ),
    (
        '----- Reply message -----\nFrom: "Support" <s@example.com>\nTo: <ana@example.net>\nSubject: x\nDate: Mon, '
        "Mar 2, 2026 10:00"
    ),
    (
        "---- Replied Message ----\n| From | Support<s@example.com> |\n| Date | 3/2/2026 10:00 |\n| To | Ana |\n| "
        "Subject | x |"
    ),
    "-----Original Appointment-----\nFrom: Support\nSent: Monday\nTo: Ana\nSubject: x\nWhen: Monday\nWhere: here",
    (
        "________________________________\nFrom: Support <s@example.com>\nSent: Monday, March 2, 2026 10:00 AM\nTo: "
        "Ana <a@example.net>\nSubject: x"
    ),
    (
        "________________________________\n\nFrom: Support\nSent: Monday, March 2, 2026 10:00 AM\nTo: Ana\nCc: Bo\n"
        "Subject: x\nImportance: High"
    ),
    "From: Support <s@example.com>\nDate: Monday, March 2, 2026 at 10:00 AM\nTo: Ana <a@example.net>\nSubject: Re: x",
    (
        "From: Support <s@example.com>\nReply-To: Support <s@example.com>\nDate: Monday, 2 March 2026 at 10:00\nTo: "
        "Ana\nCc: Bo\nSubject: x"
    ),
    "*From:* Support <s@example.com>\n*Sent:* Monday, March 2, 2026 10:00 AM\n*To:* Ana\n*Subject:* x",
    "*From: *Support <s@example.com>\n*Date: *Monday, March 2, 2026\n*To: *Ana\n*Subject: *x",
    "**From:** Support <s@example.com>\n**Sent:** Monday\n**To:** Ana\n**Subject:** x",
    "From:\tSupport\nTo:\tAna/Acme\nDate:\t02.03.2026 10:00\nSubject:\tRe: x",
    "From: Support\n\nSent: Monday, March 2, 2026 10:00 AM\n\nTo: Ana\n\nSubject: x",
    "From: Support <s@example.com> Sent: Monday, March 2, 2026 10:00 AM To: Ana <a@example.net> Subject: x",
    (
        "From: s@example.com\nTo: ana@example.net,\n bo@example.net, cy@example.net,\n di@example.net\nSent: Monday, "
        "March 2, 2026\nSubject: x"
    ),
    "Date: Mon, 2 Mar 2026 10:00:00 +0100\nFrom: s@example.com\nTo: ana@example.net\nSubject: x",
    "Subject: x\nFrom: s@example.com\nTo: ana@example.net\nDate: Mon, 2 Mar 2026 10:00:00 +0100",
    (
        "-----Ursprüngliche Nachricht-----\nVon: Support <s@example.com>\nGesendet: Montag, 2. März 2026 10:00\nAn: "
        "Ana\nBetreff: x"
    ),
    (
        "-------- Ursprüngliche Nachricht --------\nVon: Support <s@example.com>\nDatum: 02.03.26 10:00 (GMT+01:00)\n"
        "An: Ana\nBetreff: x"
    ),
    (
        "-------- Original-Nachricht --------\nDatum: Mon, 2 Mar 2026\nVon: s@example.com\nAn: ana@example.net\n"
        "Betreff: x"
    ),
    "Von: Support <s@example.com>\nGesendet: Montag, 2. März 2026 10:00\nAn: Ana <a@example.net>\nCc: Bo\nBetreff: x",
    'Von: "Support" <s@example.com>\nAn: "Ana"\nGesendet: Montag, 2. März 2026 10:00:00\nBetreff: x',
    "Von: Support <s@example.com>\nDatum: Montag, 2. März 2026 um 10:00\nAn: Ana\nBetreff: x\nWichtigkeit: Hoch",
    "-----Message d'origine-----\nDe : Support <s@example.com>\nEnvoyé : lundi 2 mars 2026 10:00\nÀ : Ana\nObjet : x",
    "-----Message d’origine-----\nDe\xa0: Support\nEnvoyé\xa0: lundi 2 mars 2026 10:00\nÀ\xa0: Ana\nObjet\xa0: x",
    "De : Support <s@example.com>\nEnvoyé : lundi 2 mars 2026 10:00\nÀ : Ana\nCc : Bo\nObjet : x",
    "De : Support <s@example.com>\nDate : lundi 2 mars 2026 à 10:00\nÀ : Ana\nObjet : Re: x",
    (
        "-----Mensaje original-----\nDe: Support <s@example.com>\nEnviado el: lunes, 2 de marzo de 2026 10:00\nPara: "
        "Ana\nAsunto: x"
    ),
    "De: Support <s@example.com>\nEnviado: lunes, 2 de marzo de 2026 10:00\nPara: Ana\nAsunto: x",
    "De: Support\nFecha: lunes, 2 de marzo de 2026, 10:00\nPara: Ana\nAsunto: x",
    (
        "-----Mensagem original-----\nDe: Support <s@example.com>\nEnviada em: segunda-feira, 2 de março de 2026 "
        "10:00\nPara: Ana\nAssunto: x"
    ),
    "De: Support <s@example.com>\nEnviado: 2 de março de 2026 10:00\nPara: Ana\nAssunto: x",
    (
        "-----Messaggio originale-----\nDa: Support <s@example.com>\nInviato: lunedì 2 marzo 2026 10:00\nA: Ana\n"
        "Oggetto: x"
    ),
    "Da: Support <s@example.com>\nData: lunedì, 2 marzo 2026 10:00\nA: Ana\nOggetto: x",
    (
        "-----Oorspronkelijk bericht-----\nVan: Support <s@example.com>\nVerzonden: maandag 2 maart 2026 10:00\nAan: "
        "Ana\nOnderwerp: x"
    ),
    "Van: Support <s@example.com>\nDatum: maandag 2 maart 2026 om 10:00\nAan: Ana\nOnderwerp: x",
    (
        "-----Ursprungligt meddelande-----\nFrån: Support <s@example.com>\nSkickat: den 2 mars 2026 10:00\nTill: Ana\n"
        "Ämne: x"
    ),
    "Från: Support <s@example.com>\nDatum: måndag 2 mars 2026 10:00\nTill: Ana\nÄmne: x",
    "-----Oprindelig meddelelse-----\nFra: Support <s@example.com>\nSendt: 2. marts 2026 10:00\nTil: Ana\nEmne: x",
    "Fra: Support <s@example.com>\nSendt: mandag 2. mars 2026 10:00\nTil: Ana\nEmne: x",
    "-----Opprinnelig melding-----\nFra: Support\nSendt: 2. mars 2026\nTil: Ana\nEmne: x",
    (
        "-----Alkuperäinen viesti-----\nLähettäjä: Support <s@example.com>\nLähetetty: maanantai 2. maaliskuuta 2026 "
        "10.00\nVastaanottaja: Ana\nAihe: x"
    ),
    "Lähettäjä: Support\nPäiväys: 2. maaliskuuta 2026\nVastaanottaja: Ana\nAihe: x",
    (
        "-----Original Message-----\nOd: Support <s@example.com>\nWysłano: poniedziałek, 2 marca 2026 10:00\nDo: Ana\n"
        "Temat: x"
    ),
    "Od: Support <s@example.com>\nData: poniedziałek, 2 marca 2026 10:00\nDo: Ana\nDW: Bo\nTemat: x",
    "From: Support <s@example.com>\nOdesláno: pondělí 2. března 2026 10:00\nKomu: Ana\nPředmět: x",
    "Od: Support <s@example.com>\nOdesláno: pondělí 2. března 2026 10:00\nKomu: Ana\nPředmět: x",
    (
        "---------- Původní e-mail ----------\nOd: Support <s@example.com>\nKomu: Ana\nDatum: 2. 3. 2026 10:00:00\n"
        "Předmět: x"
    ),
    "Od: Support\nOdoslané: pondelok 2. marca 2026\nKomu: Ana\nPredmet: x",
    "Feladó: Support <s@example.com>\nElküldve: 2026. március 2., hétfő 10:00\nCímzett: Ana\nTárgy: x",
    "De la: Support <s@example.com>\nTrimis: luni, 2 martie 2026 10:00\nCătre: Ana\nSubiect: x",
    "От: Support <s@example.com>\nОтправлено: 2 марта 2026 г. 10:00\nКому: Ana\nТема: x",
    "-----Исходное сообщение-----\nОт: Support\nДата: 2 марта 2026\nКому: Ana\nТема: x",
    "-------- Исходное сообщение --------\nОт: Support <s@example.com>\nДата: 02.03.2026 10:00\nКому: Ana\nТема: x",
    "Від: Support <s@example.com>\nНадіслано: 2 березня 2026 р. 10:00\nКому: Ana\nТема: x",
    "От: Support <s@example.com>\nИзпратено: 2 март 2026 г.\nДо: Ana\nОтносно: x",
    "Από: Support <s@example.com>\nΣτάλθηκε: Δευτέρα, 2 Μαρτίου 2026\nΠρος: Ana\nΘέμα: x",
    "Kimden: Support <s@example.com>\nGönderildi: 2 Mart 2026 Pazartesi 10:00\nKime: Ana\nKonu: x",
    "差出人: Support <s@example.com>\n送信日時: 2026年3月2日 10:00\n宛先: Ana\n件名: x",
    "-----元のメッセージ-----\n差出人：Support\n送信日時：2026年3月2日\n宛先：Ana\n件名：x",
    "보낸 사람: Support <s@example.com>\n보낸 날짜: 2026년 3월 2일 월요일 오전 10:00\n받는 사람: Ana\n제목: x",
    "-----Original Message-----\n보낸사람: Support\n받는사람: Ana\n날짜: 2026-03-02\n제목: x",
    "-----원본 메시지-----\n보낸 사람: Support\n받는 사람: Ana\n제목: x",
    "发件人: Support <s@example.com>\n发送时间: 2026年3月2日 10:00\n收件人: Ana\n抄送: Bo\n主题: x",
    "发件人：Support\n日期：2026年3月2日 10:00\n收件人：Ana\n主题：x",
    "发件人： Support\n发送时间： 2026-03-02 10:00\n收件人： Ana\n抄送： Bo\n主题： x",
    (
        '------------------ 原始邮件 ------------------\n发件人: "Support" <s@example.com>;\n发送时间: '
        '2026年3月2日(星期一) 上午10:00\n收件人: "Ana"<a@example.net>;\n主题: x'
    ),
    '------------------&nbsp;原始邮件&nbsp;------------------\n发件人: "Support"',
    "------------------ 原始邮件 ------------------",
    "原始邮件\n发件人：Support<s@example.com>\n发送时间：2026年3月2日 10:00\n收件人：Ana<a@example.net>\n主题：x",
    (
        '-----原始邮件-----\n发件人:"Support" <s@example.com>\n发送时间:2026-03-02 10:00:00 (星期一)\n收件人: '
        "ana@example.net\n主题: x"
    ),
    (
        "---- 回复的原邮件 ----\n| 发件人 | Support<s@example.com> |\n| 日期 | 2026年03月02日 10:00 |\n| 收件人 | Ana "
        "|\n| 主题 | x |"
    ),
    "-------- 回复的邮件 --------\n发件人：Support\n日期：2026年3月2日\n收件人：Ana\n主题：x",
    (
        "-------- 原始邮件 --------\n发件人： Support <s@example.com>\n日期： 2026/3/2 10:00 (GMT+08:00)\n收件人： "
        "Ana\n主题： x"
    ),
    '-----邮件原件-----\n发件人: "Support"<s@example.com>\n发送时间: 2026年3月2日 10:00\n收件人: Ana\n主题: x',
    "寄件者: Support <s@example.com>\n寄件日期: 2026年3月2日 上午 10:00\n收件者: Ana\n主旨: x",
    "寄件人： Support\n傳送日期： 2026年3月2日 星期一 上午 10:00\n收件人： Ana\n主旨： x",
    "-----原始郵件-----\n寄件者：Support\n收件者：Ana\n日期：2026年3月2日\n標題：x",
    "Từ: Support <s@example.com>\nĐã gửi: Thứ Hai, 2 tháng 3, 2026\nTới: Ana\nChủ đề: x",
    "Dari: Support <s@example.com>\nTanggal: Senin, 2 Maret 2026 10:00\nKepada: Ana\nPerihal: x",
    "จาก: Support <s@example.com>\nส่ง: 2 มีนาคม 2026\nถึง: Ana\nเรื่อง: x",
    "من: Support <s@example.com>\nتاريخ الإرسال: 2 مارس 2026\nإلى: Ana\nالموضوع: x",
    "מאת: Support <s@example.com>\nנשלח: 2 במרץ 2026\nאל: Ana\nנושא: x",
    "##- Please type your reply above this line -##",
    "## Please do not write below this line ##\nFrom: Support\nDate: Monday\nSubject: x",
    "-- reply above this line --",
    "## 请在此线以上回复 ##",
    "##- Bitte geben Sie Ihre Antwort oberhalb dieser Zeile ein. -##",
    "##- Veuillez entrer votre réponse au-dessus de cette ligne -##",
    "##- Por favor, escriba su respuesta por encima de esta línea -##",
    "--- Reply ABOVE THIS LINE to post a comment ---",
    "=-=-=-= Reply above this line =-=-=-=",
    "---- Please reply above this line ----",
)

# What a device or program adds below somebody's words.
TAGS = (
    "Sent from my iPhone",
    "From my iPhone 12",
    "Sent via the Samsung Galaxy S21, an AT&T 5G smartphone",
    "Sent from my iPad",
    "Sent from my Samsung Galaxy smartphone.",
    "Sent from my BlackBerry 10 smartphone.",
    "Sent from Mail for Windows 10",
    "Sent from Mail for Windows",
    "Sent from Mail<https://go.microsoft.com/fwlink/?LinkId=550986> for Windows",
    "Sent from Outlook for iOS",
    "Sent from Yahoo Mail on Android",
    "Sent from Yahoo Mail for iPhone<https://mail.onelink.me/107872968?pid=nativeplacement>",
    "Sent from Proton Mail for iOS",
    "Sent with Proton Mail secure email.",
    "Sent from ProtonMail mobile",
    "Sent via BlackBerry from T-Mobile",
    "Sent using Zoho Mail",
    "Sent from my Verizon, Samsung Galaxy smartphone",
    "Sent from my iPhone. Please excuse typos and brevity.",
    "Sent from a phone with a tiny keyboard",
    "Get Outlook for iOS",
    "Get Outlook for Android<https://aka.ms/AAb9ysg>",
    "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "Get Outlook for Mac",
    "Holen Sie sich Outlook für iOS",
    "Outlook für Android herunterladen",
    "Télécharger Outlook pour iOS",
    "Obtener Outlook para iOS",
    "Obter o Outlook para Android",
    "Ottieni Outlook per iOS",
    "Outlook voor Android downloaden",
    "Hämta Outlook för iOS",
    "Pobierz aplikację Outlook dla systemu iOS",
    "获取 Outlook for iOS",
    "下载 Android 版 Outlook",
    "iOS 版 Outlook を入手",
    "发自我的iPhone",
    "发自我的 iPhone",
    "发自我的iPad",
    "从我的 iPhone 发送",
    "从我的iPhone发送",
    "發自我的 iPhone",
    "從我的 iPhone 傳送",
    "发送自 Windows 版邮件",
    "发送自 Windows 10 版邮件应用",
    "来自我的华为手机",
    "发自我的小米手机",
    "发自网易邮箱大师",
    "发自我的企业微信",
    "Von meinem iPhone gesendet",
    "Von meinem Samsung Galaxy Smartphone gesendet.",
    "Gesendet von meinem iPhone",
    "Gesendet von Mail für Windows",
    "Gesendet mit der GMX Mail App",
    "Diese Nachricht wurde von meinem Android-Gerät mit GMX Mail gesendet.",
    "Envoyé de mon iPhone",
    "Envoyé depuis mon téléphone Orange",
    "Envoyé à partir de Courrier pour Windows",
    "Envoyé de mon appareil mobile Samsung",
    "Enviado desde mi iPhone",
    "Enviado desde Correo para Windows 10",
    "Enviado do meu iPhone",
    "Enviado via iPad",
    "Enviado do Email para Windows",
    "Inviato da iPhone",
    "Inviato dal mio Galaxy",
    "Verstuurd vanaf mijn iPhone",
    "Verzonden vanuit Mail voor Windows",
    "Verzonden met Proton Mail",
    "Sendt fra min iPhone",
    "Sendt fra min iPad",
    "Sendt fra Mail til Windows",
    "Skickat från min iPhone",
    "Skickat från E-post för Windows",
    "Lähetetty iPhonesta",
    "Wysłane z iPhone’a",
    "Wysłane z aplikacji Poczta dla systemu Windows",
    "Wysłano z mojego iPhone'a",
    "Odesláno z iPhonu",
    "Odoslané z môjho iPhonu",
    "Trimis de pe iPhone",
    "Отправлено с iPhone",
    "Отправлено с моего iPhone",
    "Отправлено из мобильной Почты Mail.ru",
    "Надіслано з iPhone",
    "Изпратено от моя iPhone",
    "Στάλθηκε από το iPhone μου",
    "iPhone'umdan gönderildi",
    "iPhoneから送信",
    "私のiPhoneから送信",
    "Windows 版のメールから送信",
    "나의 iPhone에서 보냄",
    "내 iPhone에서 보냄",
    "Đã gửi từ iPhone của tôi",
    "Dikirim dari iPhone saya",
    "ส่งจาก iPhone ของฉัน",
    "أُرسلت من الـ iPhone",
    "נשלח מה-iPhone שלי",
)

# Titles under which a mail is passed on.
FORWARDS = (
    "---------- Forwarded message ---------",
    "---------- Forwarded message ----------",
    "----- Forwarded Message -----",
    "-------- Forwarded Message --------",
    "Begin forwarded message:",
    "---- Forwarded Message ----",
    "------------------ Forwarded message ------------------",
    "-------- Weitergeleitete Nachricht --------",
    "---------- Weitergeleitete Nachricht ---------",
    "Anfang der weitergeleiteten Nachricht:",
    "-------- Message transféré --------",
    "---------- Message transféré ----------",
    "Début du message réexpédié :",
    "Début du message transféré :",
    "-------- Mensaje reenviado --------",
    "Inicio del mensaje reenviado:",
    "---------- Mensagem encaminhada ---------",
    "-------- Mensagem reencaminhada --------",
    "Início da mensagem encaminhada:",
    "-------- Messaggio Inoltrato --------",
    "---------- Messaggio inoltrato ----------",
    "Inizio messaggio inoltrato:",
    "-------- Doorgestuurd bericht --------",
    "Begin doorgestuurd bericht:",
    "-------- Vidarebefordrat meddelande --------",
    "Vidarebefordrat brev:",
    "-------- Videresendt besked --------",
    "Start på videresendt besked:",
    "-------- Videresendt melding --------",
    "---------- Forwarded message ---------\n",
    "-------- Välitetty viesti --------",
    "-------- Przekazana wiadomość --------",
    "Początek przekazywanej wiadomości:",
    "-------- Přeposlaná zpráva --------",
    "-------- Továbbított üzenet --------",
    "-------- Mesaj redirecționat --------",
    "-------- Пересылаемое сообщение --------",
    "-------- Пересланное сообщение --------",
    "Начало переадресованного сообщения:",
    "-------- Переслане повідомлення --------",
    "-------- Προωθημένο μήνυμα --------",
    "-------- Yönlendirilmiş İleti --------",
    "---------- 转发的邮件 ----------",
    "-------- 转发的消息 --------",
    "---------- 转发邮件信息 ----------",
    "-------- 轉寄郵件 --------",
    "---------- 已轉寄的郵件 ----------",
    "以下是转发的邮件：",
    "下面是被转发的邮件：",
    "-------- 転送メッセージ --------",
    "転送されたメッセージ：",
    "-------- 전달된 메시지 --------",
    "전달된 메시지:",
)
