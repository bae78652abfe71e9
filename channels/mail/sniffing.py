"""What a file is by its first bytes and its name, and whether it is one that runs when somebody opens it."""

from __future__ import annotations

import re

MAGIC_BYTES = 600

# First bytes and the media type they prove; the first that fits counts.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"MSCF\x00\x00\x00\x00", "application/vnd.ms-cab-compressed"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"{\\rtf", "application/rtf"),
    (b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
)
_PROGRAMS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x7fELF", "application/x-elf", "a program for Linux"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary", "a program for macOS"),
    (b"\xce\xfa\xed\xfe", "application/x-mach-binary", "a program for macOS"),
    (b"\xca\xfe\xba\xbe", "application/x-mach-binary", "a program for macOS or Java"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut", "a Windows shortcut"),
    (b"#!", "text/x-script", "a script"),
    (b"<?hta", "application/hta", "a Windows HTML application"),
)
_DOS_HEADER = 64
# Types whose bytes are known, so that other known bytes under this label are a lie or a slip.
_CHECKED = frozenset(
    {"application/pdf", "image/png", "image/jpeg", "image/gif", "image/tiff", "application/zip", "application/rtf"}
)
_SAYS_NOTHING = frozenset(
    {"application/octet-stream", "application/x-octet-stream", "application/binary", "application/unknown", "file/file"}
)
_CONTAINERS = frozenset({"application/zip", "application/x-ole-storage"})

# Extensions that Windows, macOS or Linux run, mount or follow when somebody opens the file, by what they are.
_RUNNING = {
    "a Windows program": "exe com scr pif cpl ocx dll sys drv msp mst gadget appref-ms xll",
    "a Windows installer": "msi msix msixbundle appx appxbundle msu application appinstaller cab",
    "a Windows script": "bat cmd nsh ps1 ps1xml ps2 psc1 psm1 psd1 msh sct shb",
    "a script that Windows runs": "js jse mjs vb vbs vbe vxd ws wsf wsc wsh hta",
    "a shortcut": "lnk url scf library-ms search-ms settingcontent-ms website diagcab theme",
    "a file that changes Windows": "reg inf ins isp chm hlp msc rdp job its",
    "a Java program": "jar jnlp class",
    "a disk image": "iso img vhd vhdx dmg udf wim",
    "a document with macros": "docm dotm xlsm xltm xlam xlsb pptm potm ppam ppsm sldm accde mde ade adp",
    "a script": "sh bash csh ksh zsh run elf desktop py pyc pyw pyz command workflow",
    "a software package": "app pkg mpkg deb rpm apk ipa xpi crx",
}
_RUNS = {extension: words for words, extensions in _RUNNING.items() for extension in extensions.split()}
_OFFICE = "application/vnd.openxmlformats-officedocument."
_BY_NAME = {
    "docx": f"{_OFFICE}wordprocessingml.document",
    "xlsx": f"{_OFFICE}spreadsheetml.sheet",
    "pptx": f"{_OFFICE}presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
    "zip": "application/zip",
}
_JUNK = re.compile(r"[\s.\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff_]{1,200}\Z")


def sniffed_type(head: bytes, declared: str, filename: str) -> str:
    """The media type to show: what was declared, unless that says nothing or the first bytes prove it wrong.

    ``head`` is the first 600 bytes. Archives are told by their first bytes and their name and never opened.
    """
    found = _proven(head)
    if not found or found == declared:
        return declared
    if found in _CONTAINERS:
        by_name = _BY_NAME.get(filename.lower().rpartition(".")[2], "")
        return by_name if by_name and declared in _SAYS_NOTHING else declared
    disguised = program(head) != "" and declared.startswith(("image/", "audio/", "video/"))
    return found if disguised or declared in _SAYS_NOTHING or declared in _CHECKED else declared


def _proven(head: bytes) -> str:
    for magic, kind, _ in _PROGRAMS:
        if head.startswith(magic):
            return kind
    if _is_windows_program(head):
        return "application/x-msdownload"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")


def program(head: bytes) -> str:
    """What kind of program a file is by its first bytes; empty when it is none."""
    for magic, _, words in _PROGRAMS:
        if head.startswith(magic):
            return words
    return "a Windows program" if _is_windows_program(head) else ""


def _is_windows_program(head: bytes) -> bool:
    """The two letters alone also begin words: a program's header is longer and not text."""
    return head[:2] == b"MZ" and (len(head) < _DOS_HEADER or b"\x00" in head[:_DOS_HEADER])


def held_because(filename: str, head: bytes) -> str:
    """Why a file is kept but not handed on, in words; empty for an ordinary one.

    The name counts as Windows reads it: dots and spaces behind it are nothing, and only the last extension runs
    (``invoice.pdf.exe``).
    """
    pieces = _JUNK.sub("", filename.lower()).split(".")
    by_name = _RUNS.get(pieces[-1].strip(), "") if len(pieces) > 1 else ""
    if by_name:
        disguised = len(pieces) > 2 and 2 <= len(pieces[-2].strip()) <= 4 and pieces[-2].strip().isalnum()
        return f"{by_name} (.{pieces[-1].strip()})" + (", disguised by two extensions" if disguised else "")
    by_bytes = program(head)
    return f"{by_bytes} by its content" if by_bytes else ""
