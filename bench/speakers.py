"""Lays out speech of several dozen speakers for `voices.py`: one folder a speaker.

Run `python bench/speakers.py FOLDER`. Nothing is fetched: recordings are linked and voices are
made to speak as far as these Debian packages are installed, and whatever is missing is named:
asterisk-core-sounds-{en,fr,it,ru}-wav, asterisk-prompt-{es-co,fr-armelle}, asterisk-prompt-it-
menardi-wav, klettres-data, pocketsphinx-testdata (recordings of people), flite, festival,
festvox-{kdlpc16k,italp16k,itapc16k,suopuhe-lj,suopuhe-mv} and festvox-czech-{dita,krb,machac,
ph} (synthetic voices, each built from one person's recordings).
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

RECORDED = {
    # Speaker: folder, pattern. Where a package names no speaker, a language counts as one.
    "asterisk-en": ("/usr/share/asterisk/sounds/en_US_f_Allison", "*.wav"),
    "asterisk-fr-ca": ("/usr/share/asterisk/sounds/fr_CA_f_June", "*.wav"),
    "asterisk-it-f": ("/usr/share/asterisk/sounds/it_IT_f_Menardi", "*.wav"),
    "asterisk-it-m": ("/usr/share/asterisk/sounds/it_IT_m_Carlo", "*.wav"),
    "asterisk-ru": ("/usr/share/asterisk/sounds/ru_RU_f_IvrvoiceRU", "*.wav"),
    "asterisk-es-co": ("/usr/share/asterisk/sounds/es", "*.gsm"),
    "asterisk-fr": ("/usr/share/asterisk/sounds/fr", "*.gsm"),
    "librivox": ("/usr/share/pocketsphinx/test/data/librivox", "*.wav"),
    **{
        f"klettres-{language}": (f"/usr/share/klettres/{language}", "**/*.ogg")
        for language in (
            *("ar", "cs", "da", "de", "en", "en_GB", "es", "fr", "he", "hu", "it", "lt"),
            *("ml", "nb", "nds", "nl", "pt_BR", "ru", "tn", "uk"),
        )
    },
}

ENGLISH = """The old bridge was closed after the storm last winter.
Nobody in the village remembers who planted those trees.
She put the letters back into the drawer and said nothing.
We walked along the river until the lamps were lit.
His brother sells fruit and bread near the railway station.
Please wait outside, the doctor will call you in a moment.
A cold wind blew dust and paper across the empty square.
They have asked for water, for blankets and for a telephone.
My neighbour keeps seven hens and a very loud rooster.
The train to the coast leaves at twenty past eleven.
If you hear the bell, leave your coat and go down the stairs.
The judge read the whole report before she gave an answer."""
CZECH = """Stary most byl po zimni bouri zavren.
Nikdo ve vesnici nevi, kdo ty stromy zasadil.
Dala dopisy zpatky do zasuvky a nic nerekla.
Sli jsme podel reky, dokud se nerozsvitily lampy.
Jeho bratr prodava ovoce a chleba u nadrazi.
Pockejte prosim venku, lekar vas hned zavola.
Studeny vitr hnal prach a papiry pres prazdne namesti.
Prosili o vodu, o deky a o telefon.
Muj soused chova sedm slepic a hlasiteho kohouta.
Vlak k mori odjizdi ve dvanact hodin.
Soudce precetl celou zpravu a potom odpovedel."""
ITALIAN = """Il vecchio ponte fu chiuso dopo la tempesta.
Nessuno nel paese ricorda chi ha piantato questi alberi.
Rimise le lettere nel cassetto e non disse niente.
Camminammo lungo il fiume fino a sera.
Suo fratello vende frutta e pane vicino alla stazione.
Aspetti fuori, per favore, il medico la chiama subito.
Un vento freddo portava polvere e carta nella piazza vuota.
Hanno chiesto acqua, coperte e un telefono.
Il mio vicino tiene sette galline e un gallo rumoroso.
Il treno per la costa parte a mezzogiorno.
Il giudice lesse tutto il rapporto prima di rispondere."""
FINNISH = """Vanha silta suljettiin talven myrskyn takia.
Kukaan ei muista, kuka nuo puut istutti.
Nainen pani kirjeet takaisin laatikkoon eik\u00e4 sanonut mit\u00e4\u00e4n.
Me k\u00e4velimme jokea pitkin, kunnes lamput syttyiv\u00e4t.
Veli myy hedelmi\u00e4 ja leip\u00e4\u00e4 aseman luona.
Odottakaa ulkona, l\u00e4\u00e4k\u00e4ri kutsuu teid\u00e4t kohta.
Kylm\u00e4 tuuli lenn\u00e4tti p\u00f6ly\u00e4 tyhj\u00e4n torin yli.
He pyysiv\u00e4t vett\u00e4, peittoja ja puhelimen.
Naapurilla on seitsem\u00e4n kanaa ja \u00e4\u00e4nek\u00e4s kukko.
Juna rannikolle l\u00e4htee puolelta p\u00e4ivin.
Tuomari luki koko raportin ennen kuin vastasi."""

FLITE = {"awb": ENGLISH, "rms": ENGLISH, "slt": ENGLISH, "kal16": ENGLISH}
FESTIVAL = {
    "ked_diphone": ENGLISH,
    "lp_diphone": ITALIAN,
    "pc_diphone": ITALIAN,
    "suo_fi_lj_diphone": FINNISH,
    "hy_fi_mv_diphone": FINNISH,
    **{f"czech_{name}": CZECH for name in ("dita", "krb", "machac", "ph")},
}
NOT_SPEECH = ("tone", "beep", "silence", "monkeys")
LEAST_FILES, LEAST_BYTES = 5, 1_000


def link(name: str, folder: str, pattern: str, out: Path) -> str | None:
    """Link one speaker's recordings; a sentence if there are none."""
    found = [
        path
        for path in sorted(Path(folder).glob(pattern))
        if path.stat().st_size >= LEAST_BYTES and not any(word in path.name for word in NOT_SPEECH)
    ]
    if len(found) < LEAST_FILES:
        return f"{name}: nothing in {folder}"
    (out / name).mkdir(parents=True)
    for number, path in enumerate(found):
        (out / name / f"{number:04d}{path.suffix}").symlink_to(path)
    return None


def speak(name: str, text: str, command: list[str], out: Path) -> str | None:
    """Let one synthetic voice read a text, a file a sentence; a sentence if it cannot."""
    if shutil.which(command[0]) is None:
        return f"{name}: no {command[0]}"
    (out / name).mkdir(parents=True)
    for number, line in enumerate(text.splitlines()):
        wav, words = out / name / f"{number:04d}.wav", out / name / "line.txt"
        # These voices are older than UTF-8.
        words.write_bytes(line.encode("latin-1"))
        full = [part.format(wav=wav, words=words) for part in command]
        done = subprocess.run(full, capture_output=True, check=False)
        words.unlink()
        if done.returncode or not wav.exists() or wav.stat().st_size < 10_000:
            shutil.rmtree(out / name)
            return f"{name}: {command[0]} cannot speak it"
    return None


def main() -> int:
    """Lay the speakers out and say which are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder that does not exist yet")
    out: Path = parser.parse_args().folder
    out.mkdir(parents=True)
    problems = [link(name, *where, out) for name, where in RECORDED.items()]
    for voice, text in FLITE.items():
        command = ["flite", "-voice", voice, "-f", "{words}", "-o", "{wav}"]
        problems.append(speak(f"flite-{voice}", text, command, out))
    for voice, text in FESTIVAL.items():
        command = ["text2wave", "-eval", f"(voice_{voice})", "-o", "{wav}", "{words}"]
        problems.append(speak(f"festival-{voice}", text, command, out))
    missing = [problem for problem in problems if problem]
    print("\n".join(missing), file=sys.stderr)
    print(f"{len(problems) - len(missing)} speakers in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
