#!/usr/bin/env python3
"""Makes the example documents that are not text: a PDF, a DOCX, an XLSX, and a PDF that cannot be opened.

They are committed, so nobody needs this to build, test or see the demo. To change one, edit its text below and run, in a
virtual environment:

    pip install reportlab==5.1.0 python-docx==1.2.0 openpyxl==3.1.5
    python examples/make_documents.py

The same text gives the same bytes. The other documents (Markdown, HTML, CSV, plain text) are edited by hand. Harlow Ridge and
its people are invented. If a fact named in questions.txt changes, change it there too.
"""

import datetime
import io
import pathlib
import re
import zipfile

import docx
import openpyxl
from openpyxl.styles import Font
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.platypus import ListFlowable, ListItem, PageBreak, Paragraph, SimpleDocTemplate

HERE = pathlib.Path(__file__).parent
WHEN = datetime.datetime(2031, 3, 1, 12, 0, 0)

# ("#", heading), ("##", smaller heading), ("-", points), ("|", rows of a table), ("pagebreak",), or a paragraph.
GUIDE = [
    ("#", "Visitor guide"),
    "Welcome to Harlow Ridge Observatory, 1,140 metres above the sea and 740 metres above the nearest street lamp. This guide "
    "tells you how to find us, what to bring, and what to leave at home. If it does not answer your question, the desk will.",
    ("##", "Opening times"),
    "The museum is open from Wednesday to Sunday, 11:00 to 18:00, and on all public holidays but 24 and 25 December. Last "
    "admission is at 17:15. On Mondays and Tuesdays the museum is closed; the workshop uses these days for repairs.",
    "The dome is open on public nights only. Their programme is on the web site and on the notice board at the bus stop.",
    ("##", "The planetarium"),
    "The planetarium has 48 seats. Shows begin at 12:00, 14:00 and 16:00 and last 40 minutes. The show at 14:00 is made for "
    "children from five to ten years. Doors close when the show begins and do not open again: the dark takes twenty minutes to "
    "come back to your eyes.",
    ("pagebreak",),
    ("#", "Getting here"),
    ("##", "By bus"),
    "Bus 47 leaves the railway station every hour at ten past and needs 35 minutes to the stop Ridge Lane. From there it is a "
    "walk of eight minutes along a path that is lit with red lamps. The last bus back leaves at 23:20; after a public night it "
    "waits until the last visitor has come down.",
    ("##", "By car"),
    "The car park has 60 spaces and is 300 metres below the entrance. Parking costs nothing for holders of a ticket. Please "
    "switch off your headlights at the white post: from there on they shine into the dome. Four spaces beside the entrance "
    "are kept for people who cannot walk the slope.",
    ("##", "By bicycle"),
    "The road from the valley climbs 740 metres in nine kilometres. There are racks for 20 bicycles behind the workshop and "
    "two sockets for charging batteries, free of charge while you visit.",
    ("##", "In winter"),
    "From November to March the last kilometre may be closed after snow. We decide by 15:00 and say so on the telephone "
    "recording, 0555 0147. Snow chains are required on that kilometre whenever the sign is lit.",
    ("pagebreak",),
    ("#", "Your visit"),
    ("##", "What you see in the museum"),
    "The round tour through the museum takes about an hour. You may touch the iron meteorite in room 3 and you may set the "
    "orrery in room 5 in motion. Guided tours start at 11:30 and 15:30 in the entrance hall; they are included in the ticket "
    "and limited to 20 people.",
    ("##", "What to bring on a public night"),
    ("-", [
        "Warm clothes, even in July: on a clear night the terrace cools to eight degrees.",
        "Your glasses. Short sight and long sight are corrected by the focus, astigmatism is not.",
        "Patience. Every visitor gets at least one minute at the eyepiece, and we do not hurry anybody.",
    ]),
    ("##", "Photographs"),
    "You may take photographs everywhere in the museum without a flash. In the dome, cameras and telephones stay in the "
    "pocket until the crew says otherwise. On the first Saturday of each month there is an evening for photographers, on "
    "which your camera can be mounted on the Corvin reflector; the adapter is for T2 threads.",
    ("##", "Food and drink"),
    "The cafe beside the entrance serves soup, cake and coffee until 17:30. Nothing may be eaten or drunk in the dome: sugar "
    "attracts ants, and ants like gear grease.",
    ("pagebreak",),
    ("#", "Rules and safety"),
    ("##", "Light"),
    "Only red torches are allowed on the observing terrace and in the dome. The desk lends them against a deposit of five "
    "euros. White light, lit screens and laser pointers are not allowed after sunset: a laser blinds pilots and spoils the "
    "exposure of our neighbours. The crew uses a green laser for showing constellations and has a permit for it.",
    ("##", "On the terrace and in the dome"),
    ("-", [
        "Stay behind the yellow line while the dome turns. It weighs 4.2 tonnes and does not feel you.",
        "Do not lean on the telescope, and hold the ladder with one hand.",
        "Children under twelve stay with an adult. There is a step of 40 centimetres in front of the eyepiece.",
        "Dogs are welcome on the terrace on a lead of at most two metres, but not in the dome.",
    ]),
    ("##", "Thunderstorms"),
    "When lightning is nearer than ten kilometres the crew sounds a bell three times. Everybody then goes into the museum, "
    "which has been earthed since 1981. Tickets stay valid for any other public night of the same season.",
    ("##", "Accessibility"),
    "The museum, the planetarium and the terrace have no steps; the lift takes wheelchairs up to 80 centimetres wide. The "
    "dome is reached by 34 steps. For visitors who cannot climb them the picture of the telescope is shown on a screen in "
    "the reading room, and on request a small telescope is set up on the terrace. The planetarium has a hearing loop.",
    ("pagebreak",),
    ("#", "Groups, schools and members"),
    ("##", "Groups"),
    "Groups of ten and more book at least two weeks ahead. One person in fifteen goes free. The dome can be hired for a "
    "private evening, with two of the crew, on any night but Friday.",
    ("##", "Schools"),
    "For school classes there are four programmes: Sun and shadow (ages 6 to 8), The Moon's faces (8 to 10), Light and colour "
    "(11 to 14) and How far is far (15 to 18). Each takes two hours. Classes from the valley pay nothing, thanks to the "
    "foundation of the water works.",
    ("##", "Members"),
    "Members of the friends' association come in free as often as they like, borrow telescopes at half the price and receive "
    "the bulletin Dark Hill four times a year. There are 812 of them.",
    ("##", "Lost property"),
    "What is found is kept at the desk for 60 days and then given to the charity shop in the valley. Spectacles are kept for "
    "a year. In 2030 we kept 61 gloves, 14 umbrellas, a trombone and one set of false teeth, which was collected.",
    ("##", "Contact"),
    "Harlow Ridge Observatory, Ridge Lane 1. Telephone 0555 0147, Tuesday to Friday from 10:00 to 12:00. Letters and drawings "
    "of planets are answered within ten days.",
]

HANDBOOK = [
    ("title", "Volunteer handbook"),
    "For everybody who works a shift at Harlow Ridge. Read it once, then keep it in your coat. Last changed in March 2031.",
    ("#", "Shifts"),
    "Each public night has a crew of four: the lead, the operator, the guide and the door. Ask Jonas Okafor, who makes the "
    "plan, by the 20th of the month for the month that follows.",
    ("|", [
        ("Role", "Arrives", "Leaves", "Training needed"),
        ("Lead", "19:00", "when the building is locked", "two years as operator"),
        ("Operator", "19:15", "after closing the dome", "six evenings and the dome test"),
        ("Guide", "19:45", "with the last visitor", "two evenings"),
        ("Door", "19:45", "30 minutes after the beginning", "none"),
    ]),
    "If you cannot come, find a substitute yourself and tell the lead. Anyone who is ill simply calls 0555 0148, at any hour.",
    ("#", "Before the visitors come"),
    ("-", [
        "The lead reads the weather at 19:00 and decides by 19:30 whether the dome opens. The wind limit is 60 km/h.",
        "The operator opens the shutter, switches on the fans and reads the last entry of the log.",
        "The guide puts out 30 red torches and counts them.",
        "The door checks that the lift works and that the path lamps are red.",
    ]),
    ("#", "With visitors"),
    ("##", "Showing the sky"),
    "Show three objects at most, and one of them the Moon or a planet if any is up. People remember what they found "
    "themselves: let them move the telescope by hand to the second star of a double. Never say that something is easy to see.",
    ("##", "Questions you will be asked"),
    "What magnification is it? 140 times with the usual eyepiece of 17 millimetres. What does it cost? Nobody knows, since "
    "it was built by hand. Have you seen a UFO? Yes, every evening at ten past nine, and it lands at the airport.",
    ("##", "Somebody is unwell"),
    "A first aid box hangs in the dome beside the stairs and another one at the desk. The defibrillator is in the entrance "
    "hall, left of the refractor. Call 112 and send the door down to the white post to show the way: the ambulance cannot "
    "find Ridge Lane on its map.",
    ("#", "Closing the dome"),
    ("1", [
        "Turn the telescope to the parking position, north and horizontal.",
        "Put the lid on the tube. Two people, always.",
        "Close the shutter with the green button and watch until it has closed.",
        "Turn the dome to the north mark, or the lightning conductor has no contact.",
        "Count the red torches. Thirty.",
        "Write the log: date, objects, seeing, visitors, everything that was odd.",
    ]),
    "If the motor of the shutter fails, it is closed by hand. The key of the hand crank hangs in the red box beside the "
    "duty desk; a second one is with the lead. Nobody turns the crank while the power is on.",
    ("#", "Money and thanks"),
    "Volunteers are not paid. Travel by bus is refunded against the ticket until the end of the quarter. After ten shifts "
    "you receive a key to the library, after fifty a star chart signed by the whole crew, and after two hundred a bench with "
    "your name. There are three benches.",
]

PRICES = {
    "Admission": [
        ["Admission from 1 April 2031, in euros, tax included"],
        [],
        ["Ticket", "Museum (EUR)", "Planetarium show (EUR)", "Public night (EUR)", "Remarks"],
        ["Adult", 9, 6, 14, None],
        ["Child, 6 to 15 years", 4.5, 3, 7, None],
        ["Child under 6", 0, 0, 0, "no public nights after 22:00"],
        ["Student or apprentice", 6, 4, 9, "with a card"],
        ["Family, two adults and all their children", 22, 14, 33, None],
        ["Group, from ten people, each", 7.5, 5, 12, "book two weeks ahead"],
        ["Member of the friends' association", 0, 2, 5, None],
        ["Year ticket", 48, None, None, "museum only, 12 months"],
        [],
        ["Private evening in the dome, up to 15 people: 380 euros, with two of the crew."],
    ],
    "Telescope hire": [
        ["Telescope", "Aperture (mm)", "Evening (EUR)", "Weekend (EUR)", "Deposit (EUR)", "Includes"],
        ["Wren 80", 80, 18, 38, 150, "tripod, two eyepieces, red torch"],
        ["Wren 102", 102, 24, 52, 200, "tripod, three eyepieces, red torch"],
        ["Heron 150", 150, 30, 66, 300, "mount with drive, three eyepieces"],
        ["Owl 200", 200, 42, 90, 450, "Dobson base, two eyepieces, star chart"],
        ["Binoculars 10x50", 50, 8, 15, 60, "strap and case"],
        ["Solar filter for any Wren", None, 5, 9, 40, "never to be used on other telescopes"],
        [],
        ["Weekend means Friday 16:00 to Monday 12:00. Each day too late costs 20 euros."],
    ],
}

CONTRACT = [
    ("#", "Contract with the insurer"),
    "This file is encrypted. The demo gives it to a chatbot as a source, without the password: it cannot "
    "be read, so the creation of that chatbot is undone.",
]


def pdf(content, title, path, encrypt=None):
    """Writes headings, paragraphs, lists and a running foot; the same text gives the same bytes."""
    body = ParagraphStyle("body", fontName="Times-Roman", fontSize=11, leading=14.5, spaceAfter=7, alignment=TA_LEFT)
    styles = {
        "#": ParagraphStyle("h1", fontName="Helvetica-Bold", fontSize=20, leading=25, spaceAfter=10),
        "##": ParagraphStyle("h2", fontName="Helvetica-Bold", fontSize=13.5, leading=17, spaceBefore=8, spaceAfter=5),
    }
    story = []
    for item in content:
        match item:
            case str(text):
                story.append(Paragraph(text, body))
            case ("pagebreak",):
                story.append(PageBreak())
            case ("-", points):
                items = [ListItem(Paragraph(point, body), bulletFontSize=11) for point in points]
                story.append(ListFlowable(items, bulletType="bullet", start="•", leftIndent=14))
            case (level, text):
                story.append(Paragraph(text, styles[level]))

    def foot(canvas, document):
        canvas.setFont("Helvetica", 8.5)
        canvas.drawString(2.5 * cm, 1.4 * cm, f"Harlow Ridge Observatory · {title} · page {document.page}")

    document = SimpleDocTemplate(
        str(path), pagesize=A4, leftMargin=2.5 * cm, rightMargin=2.5 * cm, topMargin=2.2 * cm, bottomMargin=2.4 * cm,
        title=f"{title}, Harlow Ridge Observatory", author="Harlow Ridge Observatory", invariant=1, encrypt=encrypt,
    )
    document.build(story, onFirstPage=foot, onLaterPages=foot)


def word(content, path):
    document = docx.Document()
    document.core_properties.title = "Volunteer handbook, Harlow Ridge Observatory"
    document.core_properties.author = "Harlow Ridge Observatory"
    document.core_properties.created = document.core_properties.modified = WHEN
    for item in content:
        match item:
            case str(text):
                document.add_paragraph(text)
            case ("title", text):
                document.add_heading(text, level=0)
            case ("-", points):
                for point in points:
                    document.add_paragraph(point, style="List Bullet")
            case ("1", points):
                for point in points:
                    document.add_paragraph(point, style="List Number")
            case ("|", rows):
                table = document.add_table(rows=0, cols=len(rows[0]), style="Table Grid")
                for row in rows:
                    for cell, text in zip(table.add_row().cells, row):
                        cell.text = text
            case (level, text):
                document.add_heading(text, level=len(level))
    save(document, path)


def workbook(sheets, path):
    book = openpyxl.Workbook()
    book.remove(book.active)
    book.properties.creator = "Harlow Ridge Observatory"
    book.properties.created = book.properties.modified = WHEN
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        header = next(row for row in sheet.iter_rows() if row[1].value)
        for cell in header:
            cell.font = Font(bold=True)
        sheet.column_dimensions["A"].width = 42
    save(book, path)


def save(document, path):
    """Saves an office document; its zip entries get one fixed date, so that nothing changes but what was changed."""
    written = io.BytesIO()
    document.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = fixed_dates(content)
            info = zipfile.ZipInfo(name, WHEN.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content)


def fixed_dates(xml):
    """openpyxl writes the time of saving, whatever the properties say."""
    stamp = WHEN.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    return re.sub(rb"(<dcterms:(?:modified|created)[^>]*>)[^<]*", rb"\g<1>" + stamp, xml)


def main():
    pdf(GUIDE, "Visitor guide", HERE / "documents" / "visitor-guide.pdf")
    word(HANDBOOK, HERE / "documents" / "volunteer-handbook.docx")
    workbook(PRICES, HERE / "documents" / "prices.xlsx")
    sealed = StandardEncryption("a password that nobody has", "another one", strength=128)
    pdf(CONTRACT, "Insurance contract", HERE / "broken" / "sealed-contract.pdf", encrypt=sealed)


if __name__ == "__main__":
    main()
