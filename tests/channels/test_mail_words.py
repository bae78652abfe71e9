"""Subjects and file names as real software writes them: split, mislabelled, cut off, or not encoded at all."""

from __future__ import annotations

import base64

import pytest

from tests.channels.mail_reading import read, with_header

SENTENCE = "打印机坏了，请帮忙"
JAPANESE = "プリンタの件について"


def word(data: bytes, label: str, encoding: str = "B") -> bytes:
    content = base64.b64encode(data).decode() if encoding == "B" else "".join(f"={byte:02X}" for byte in data)
    return f"=?{label}?{encoding}?{content}?=".encode()


def subject(value: bytes) -> str:
    return with_header(b"Subject: " + value).subject


UTF8, GB, JIS = SENTENCE.encode(), SENTENCE.encode("gb18030"), JAPANESE.encode("iso-2022-jp")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (word(UTF8[:4], "utf-8") + b"\r\n " + word(UTF8[4:], "utf-8"), SENTENCE),
        (word(UTF8[:4], "utf-8", "q") + b" " + word(UTF8[4:], "UTF-8", "Q"), SENTENCE),
        (word(GB[:3], "gb2312") + b"\r\n " + word(GB[3:], "gb2312"), SENTENCE),
        (word(GB[:3], "gb2312") + b"\r\n " + word(GB[3:], "GBK"), SENTENCE),
        (word(JIS[:11], "iso-2022-jp") + b" " + word(JIS[11:], "ISO-2022-JP"), JAPANESE),
    ],
)
def test_a_sign_cut_in_two_by_encoded_words_is_whole_again(value: bytes, text: str) -> None:
    assert subject(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (word(UTF8, ""), SENTENCE),
        (word(UTF8, "foo-bar"), SENTENCE),
        (word(GB, "unknown-8bit"), SENTENCE),
        (word(UTF8, "iso-8859-1"), SENTENCE),
        (word(GB, "utf-8"), SENTENCE),
        (b"=?utf-8?Q?Gr=C3=BC=C3=9Fe aus K=C3=B6ln?=", "Grüße aus Köln"),
        (b"=?utf-8?Q?Gr=C3=BC?==?utf-8?Q?=C3=9Fe?=", "Grüße"),
        (b"Re:=?utf-8?Q?Gr=C3=BC=C3=9Fe?=x", "Re:Grüßex"),
        (b"=? utf-8 ?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8*de?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?Q?Was???_ist_l=C3=B6s??="[:-2] + b"?=", "Was??? ist lös?"),
        (b"=?utf-8?Q?a_b?= =?utf-8?Q?_c?=", "a b c"),
        (b"=?utf-8?B?" + base64.b64encode(UTF8)[:10] + b"\r\n " + base64.b64encode(UTF8)[10:] + b"?=", SENTENCE),
        (b"=?utf-8?B?" + base64.b64encode(UTF8), SENTENCE),
        (b"=?utf-8?B?" + base64.b64encode(UTF8) + b"?", SENTENCE),
        (b"=?utf-8?Q?Gr=C3=BC=C3=9Fe", "Grüße"),
        (b"=?utf-7?Q?Gr+APwA3w-e?=", "Grüße"),
        (b"=?x-mac-roman?Q?cl=8E?=", "clé"),
        (b"=?utf-8?B?77u/R3LDvMOfZQ==?=", "Grüße"),
        (b"=?utf-8?Q?a=0D=0ABcc:_x@y?=", "a Bcc: x@y"),
        (word(("长" * 5_000).encode(), "utf-8"), "长" * 5_000),
    ],
)
def test_broken_encoded_words_are_read(value: bytes, text: str) -> None:
    assert subject(value) == text


def test_five_charsets_in_one_header_are_read() -> None:
    pieces = [("ä", "iso-8859-1"), ("и", "koi8-r"), ("打", "gb2312"), ("ん", "iso-2022-jp"), ("é", "utf-8")]
    assert subject(b" ".join(word(text.encode(charset), charset) for text, charset in pieces)) == "äи打んé"


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        (SENTENCE, "gb18030"),
        ("你好", "gbk"),
        ("报价单", "gbk"),
        ("退款申请", "gbk"),
        ("Re: 发票问题", "gbk"),
        ("견적서 요청", "euc-kr"),
        ("안녕하세요", "euc-kr"),
        ("見積書", "cp932"),
        ("注文書", "cp932"),
        ("プリンタ故障", "cp932"),
        ("プリンタ故障", "euc-jp"),
        ("会議の件", "euc-jp"),
        (JAPANESE, "iso-2022-jp"),
        ("印表機壞了，請協助", "big5"),
        ("Принтер сломался", "cp1251"),
        ("Принтер сломался", "koi8-r"),
        ("Zażółć gęślą jaźń", "cp1250"),
        ("Łódź", "cp1250"),
        ("naïve", "cp1252"),
        ("Ça va très bien", "cp1252"),
        ("“hello” he said, don’t", "cp1252"),
        ("Störung in Köln", "latin-1"),
        ("Мой заказ до сих пор не пришёл", "cp866"),
        ("Мой заказ до сих пор не пришёл", "iso8859-5"),
        ("เครื่องพิมพ์เสีย กรุณาช่วยด้วย", "cp874"),
        ("Άλλη μία φορά χάλασε ο εκτυπωτής", "iso8859-7"),
        ("프린터가 고장났습니다", "iso2022_kr"),
        ("§ 5 § 6 § 7 § 8 § 9 § 10", "cp1252"),
    ],
)
def test_a_subject_without_encoding_is_read_from_its_bytes(text: str, charset: str) -> None:
    assert subject(text.encode(charset)) == text


def named(head: bytes) -> str:
    mail = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n%b\r\n\r\nx\r\n--b--\r\n" % head
    (attachment,) = read(mail).attachments
    return attachment.filename


ATTACHED = b"Content-Type: application/pdf\r\nContent-Disposition: attachment;"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (ATTACHED + b'\r\n filename*0="a b";\r\n filename*1="c.pdf"', "a bc.pdf"),
        (ATTACHED + b"\r\n filename*=UTF-8''%E6%89%93.pdf", "打.pdf"),
        (
            ATTACHED + b"\r\n filename*0*=UTF-8'zh'%E6%89;\r\n filename*1*=%93x;\r\n filename*2=\"%41.pdf\"",
            "打x%41.pdf",
        ),
        (ATTACHED + b"\r\n filename*1*=%93x.pdf;\r\n filename*0*=UTF-8''%E6%89", "打x.pdf"),
        (ATTACHED + b"\r\n filename*=GB2312''%B4%F2.pdf", "打.pdf"),
        (ATTACHED + b"\r\n filename*=%E6%89%93.pdf", "打.pdf"),
        (ATTACHED + b"\r\n filename*=\"UTF-8''%E6%89%93.pdf\"", "打.pdf"),
        (ATTACHED + b"\r\n filename*=UTF-8'%E6%89%93.pdf", "打.pdf"),
        (ATTACHED + b" filename=\"_.pdf\"; filename*=UTF-8''%E6%89%93.pdf", "打.pdf"),
        (ATTACHED + b' filename="%E6%89%93.pdf"', "打.pdf"),
        (ATTACHED + b' filename="100%.pdf"', "100%.pdf"),
        (ATTACHED + b" filename==?utf-8?B?5omTLnBkZg==?=", "打.pdf"),
        (ATTACHED + b' filename="=?gb2312?B?tPLToQ==?=\r\n\t=?gb2312?B?u/oucGRm?="', "打印机.pdf"),
        (ATTACHED + b' filename="' + "报价单.pdf".encode("gbk") + b'"', "报价单.pdf"),
        (ATTACHED + b' filename="' + "見積書.pdf".encode("cp932") + b'"', "見積書.pdf"),
        (ATTACHED + b' filename="' + "予定表ソフト.xls".encode("cp932") + b'"', "予定表ソフト.xls"),
        (ATTACHED + b' filename="' + "Übersicht.pdf".encode("latin-1") + b'"', "Übersicht.pdf"),
        (ATTACHED + b" filename=my file.pdf", "my file.pdf"),
        (ATTACHED + b' filename="a;b.pdf"', "a;b.pdf"),
        (ATTACHED + b' filename="C:\\tmp\\b.pdf"', "b.pdf"),
        (ATTACHED + b' filename="C:\\\\tmp\\\\b.pdf"', "b.pdf"),
        (ATTACHED + b' filename="../../etc/passwd"', "passwd"),
        (b"Content-Type: application/pdf name=a.pdf", "a.pdf"),
        (b"Content-Disposition: attachment, filename=a.pdf\r\nContent-Type: application/pdf", "a.pdf"),
    ],
)
def test_a_file_keeps_its_name_however_it_is_written(head: bytes, name: str) -> None:
    assert named(head) == name
