"""The language of a message: by script, then by model, and honestly unknown when it is too short."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail import language
from channels.mail.language import detect


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The printer on the second floor does not work, please help.", "en"),
        ("Der Drucker im zweiten Stock funktioniert nicht, bitte helfen Sie mir.", "de"),
        ("L'imprimante du deuxième étage ne fonctionne pas, merci de m'aider.", "fr"),
        ("La impresora del segundo piso no funciona, por favor ayúdenme.", "es"),
        ("De printer op de tweede verdieping werkt niet, kunt u mij helpen?", "nl"),
        ("Drukarka na drugim piętrze nie działa, proszę o pomoc.", "pl"),
        ("Принтер на втором этаже не работает, помогите, пожалуйста.", "ru"),
        ("打印机坏了", "zh-CN"),
        ("二楼的 HP LaserJet 打印机连不上 VPN，error 720，请帮忙。", "zh-CN"),
        ("印表機壞了，請幫忙", "zh-TW"),
        ("プリンタが壊れました。至急お願いします。", "ja"),
        ("프린터가 고장났어요", "ko"),
        ("เครื่องพิมพ์เสีย", "th"),
        ("Hi", ""),
        ("error 720", ""),
        ("", ""),
        ("17 / 42 - 3.14", ""),
        ("https://example.org/the/quick/brown/fox ana@example.org", ""),
    ],
)
def test_the_language_is_told(text: str, expected: str) -> None:
    assert detect(text) == expected


SHORT = (
    ("Thanks, it works now!", "en"),
    ("Danke, es geht wieder.", "de"),
    ("Merci, ça marche.", "fr"),
    ("Gracias, ya funciona.", "es"),
    ("Obrigado, já funciona.", "pt"),
    ("Grazie, funziona.", "it"),
    ("Bedankt, het werkt weer.", "nl"),
    ("Tak, det virker nu.", "da"),
    ("Tack, det fungerar nu.", "sv"),
    ("Takk, det fungerer nå.", "no"),
    ("Kiitos, toimii nyt.", "fi"),
    ("Dziękuję, działa.", "pl"),
    ("Děkuji, už to funguje.", "cs"),
    ("Köszönöm, most már működik.", "hu"),
    ("Mulțumesc, merge acum.", "ro"),
    ("Teşekkürler, şimdi çalışıyor.", "tr"),
    ("Cảm ơn, nó hoạt động rồi.", "vi"),
    ("Terima kasih, sekarang sudah bisa.", "id"),
    ("Спасибо, теперь работает.", "ru"),
    ("Дякую, тепер працює.", "uk"),
    ("Благодаря, вече работи.", "bg"),
    ("Ďakujem, už to funguje.", "sk"),
    ("Please help", "en"),
    ("Hello", "en"),
    ("Bitte helfen", "de"),
    ("ok", ""),
    ("Thank you very much", "en"),
    ("Still broken.", "en"),
    ("Printer broken", "en"),
    ("Drucker kaputt", "de"),
    ("Bonjour", "fr"),
    ("Hola, necesito ayuda", "es"),
    ("Hi Bob, I approve the quote. Best, Ana", "en"),
    ("Yes please", "en"),
    ("Mit freundlichen Grüßen", "de"),
    ("Det er fortsatt ikke noe internett her", "no"),
    ("Jeg har stadig ikke fået mine penge", "da"),
    ("Hvordan kan jeg logge inn?", "no"),
    ("Hvordan kan jeg logge ind?", "da"),
    ("Aš negaliu prisijungti", "lt"),
    ("Es nevaru pieteikties", "lv"),
    ("Ma ei saa sisse logida", "et"),
    ("Ne mogu se prijaviti", "hr"),
    ("Ne morem se prijaviti", "sl"),
    ("No puc entrar", "ca"),
    ("Ég kemst ekki inn", "is"),
    ("Hi", ""),
    ("error 720", ""),
    ("", ""),
    ("17 / 42 - 3.14", ""),
    ("https://example.org/the/quick/brown/fox ana@example.org", ""),
    ("Danke!", "de"),
    ("Merci", "fr"),
    ("Спасибо", "ru"),
    ("Дякую", "uk"),
    ("谢谢", "zh-CN"),
    ("謝謝", "zh-TW"),
    ("你好", "zh-CN"),
    ("請問何時出貨？", "zh-TW"),
    ("ありがとう", "ja"),
    ("了解しました", "ja"),
    ("感谢您的帮助", "zh-CN"),
    ("감사합니다", "ko"),
    ("ขอบคุณ", "th"),
    ("شكرا لكم", "ar"),
    ("متشکرم، درست شد", "fa"),
    ("תודה רבה", "he"),
    ("धन्यवाद", "hi"),
    ("Ευχαριστώ", "el"),
    ("თქვენ", "ka"),
    ("Drukarka nie działa", "pl"),
    ("Impresora rota", "es"),
    ("Tulostin ei toimi", "fi"),
    ("Skriveren virker ikke", "no"),
    ("Printeren virker ikke", "da"),
    ("Skrivaren fungerar inte", "sv"),
    ("二楼的 HP LaserJet 打印机连不上 VPN，error 720，请帮忙。", "zh-CN"),
    ("プリンタが壊れました。至急お願いします。", "ja"),
    ("OK, thanks", "en"),
    ("Ja, danke", "de"),
    ("Oui", "fr"),
    ("Prima, dank u", "nl"),
    ("Super, vielen Dank!", "de"),
    ("Perfetto, grazie mille", "it"),
    ("Muito obrigado", "pt"),
    ("Wann kommt das Paket?", "de"),
    ("Kde je moje objednávka?", "cs"),
    ("Kde je moja objednávka?", "sk"),
    ("Hol van a csomagom?", "hu"),
    ("Unde este comanda mea?", "ro"),
    ("Siparişim nerede?", "tr"),
    ("Де моє замовлення?", "uk"),
    ("Где мой заказ?", "ru"),
    ("Къде е поръчката ми?", "bg"),
    ("Где је мој пакет?", "sr"),
    ("Di mana pesanan saya?", "id"),
    ("Đơn hàng của tôi đâu?", "vi"),
    ("Waar is mijn bestelling?", "nl"),
    ("Var är min beställning?", "sv"),
    ("Hvor er min ordre?", "da"),
    ("Missä tilaukseni on?", "fi"),
    ("Gdzie jest moje zamówienie?", "pl"),
    ("Où est ma commande ?", "fr"),
    ("¿Dónde está mi pedido?", "es"),
    ("Onde está o meu pedido?", "pt"),
    ("Dov'è il mio ordine?", "it"),
    ("Where is my order?", "en"),
)


@pytest.mark.parametrize(("text", "expected"), SHORT)
def test_the_language_of_a_short_mail_is_told(text: str, expected: str) -> None:
    assert detect(text) == expected


def test_a_word_of_many_languages_is_of_the_language_of_the_mail_it_answers() -> None:
    assert detect("Ja") == ""
    assert detect("Ja", "> Guten Tag, dürfen wir das Ticket schließen?") == "de"
    assert detect("OK", "> Guten Tag, dürfen wir das Ticket schließen?") == ""


def test_quoted_lines_and_addresses_do_not_count() -> None:
    assert detect("> Is the printer on the second floor?\nJa, der Drucker im zweiten Stock.") == "de"
    assert detect("Der Drucker: https://example.com/the-printer-manual-in-english.html") == "de"


def test_the_script_is_told_in_no_time() -> None:
    text = "打印机坏了，请帮忙看看。" * 30
    detect(text)
    began = time.perf_counter()
    for _ in range(200):
        detect(text)
    assert (time.perf_counter() - began) / 200 < 0.001


def test_a_long_mail_costs_no_more_than_its_beginning() -> None:
    assert detect("The printer does not work. " * 200_000) == "en"


def test_without_the_model_script_and_common_words_still_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language._Model, "tried", True)
    monkeypatch.setattr(language._Model, "detect", None)
    assert detect("打印机坏了") == "zh-CN"
    assert detect("The printer on the second floor does not work.") == "en"
    assert detect("Lorem ipsum dolor sit amet consectetur") == ""


def test_a_model_that_fails_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str, **given: object) -> None:
        raise RuntimeError("no model")

    monkeypatch.setattr(language._Model, "tried", True)
    monkeypatch.setattr(language._Model, "detect", staticmethod(broken))
    assert detect("Lorem ipsum dolor sit amet consectetur") == ""
    assert detect("Der Drucker im zweiten Stock geht nicht.") == "de"


@given(text=st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_text_has_a_language_or_none(text: str) -> None:
    assert len(detect(text)) <= 7
