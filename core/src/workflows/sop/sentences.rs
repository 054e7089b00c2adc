//! Both documents, sentence by sentence, in their order.

use super::{Document, Place, Sentence};

const fn row(document: Document, text: &'static str, place: Place) -> Sentence {
    Sentence {
        document,
        text,
        place,
    }
}

/// Every sentence of both documents. Marks and numbers of lists are left out.
pub static SENTENCES: &[Sentence] = &[
    row(
        Document::MissedCheckIn,
        "Effectively following up with a client 24 hours after a client has missed their check-in.",
        Place::Step("missed_check_in", "open"),
    ),
    row(
        Document::MissedCheckIn,
        "Log into Clear Connection, and message your client in the CC messages.",
        Place::Step("missed_check_in", "portal_message"),
    ),
    row(
        Document::MissedCheckIn,
        include_str!("../../../../procedures/scripts/S1.txt"),
        Place::Script("S1", "portal_message"),
    ),
    row(
        Document::MissedCheckIn,
        "Wait another 24-48 hours for the client to complete the check-in before reaching out again.",
        Place::Step("missed_check_in", "portal_message"),
    ),
    row(
        Document::MissedCheckIn,
        "Typically the client will complete their check-in when they see your first message.",
        Place::NoInstruction,
    ),
    row(
        Document::MissedCheckIn,
        "If the client still has not completed their check-in or responded back to you. Then navigate to KEAP to check the history of receiving and opening emails from you.",
        Place::Step("missed_check_in", "choose_channel"),
    ),
    row(
        Document::MissedCheckIn,
        "(Refer to SOP-V-2017)",
        Place::Step("missed_check_in", "choose_channel"),
    ),
    row(
        Document::MissedCheckIn,
        "Determine next form of communication to the client:",
        Place::Step("missed_check_in", "choose_channel"),
    ),
    row(
        Document::MissedCheckIn,
        "Scenario #1: The client has been opening their emails then you know they are seeing your message. In this case, you will send them a follow up email.",
        Place::Step("missed_check_in", "email_follow_up"),
    ),
    row(
        Document::MissedCheckIn,
        "Add language here that lets them know that they will fall behind soon and we only have up to 3-weeks before their skin stops responding to their current regimen. It's important to include the \"why\" they should check-in and create a sense of urgency.",
        Place::Reading("A6: an instruction to the author of S2, which follows it already"),
    ),
    row(
        Document::MissedCheckIn,
        "Script for follow up email:",
        Place::NoInstruction,
    ),
    row(
        Document::MissedCheckIn,
        include_str!("../../../../procedures/scripts/S2.txt"),
        Place::Script("S2", "email_follow_up"),
    ),
    row(
        Document::MissedCheckIn,
        "Scenario #2) The client is not opening their emails from you which you saw in KEAP. In this case, you will want to follow up with a phone call.",
        Place::Step("missed_check_in", "phone_follow_up"),
    ),
    row(
        Document::MissedCheckIn,
        "Script for follow up phone call:",
        Place::NoInstruction,
    ),
    row(
        Document::MissedCheckIn,
        include_str!("../../../../procedures/scripts/S3.txt"),
        Place::Script("S3", "phone_follow_up"),
    ),
    row(
        Document::MissedCheckIn,
        "Wait another 24-48 hours to see if they respond or check-in.",
        Place::Step("missed_check_in", "email_follow_up"),
    ),
    row(
        Document::MissedCheckIn,
        "If the client has not responded, send a text message and email through your gmail account, to the client.",
        Place::Step("missed_check_in", "by_hand"),
    ),
    row(
        Document::MissedCheckIn,
        "Script for follow up text/gmail message:",
        Place::NoInstruction,
    ),
    row(
        Document::MissedCheckIn,
        include_str!("../../../../procedures/scripts/S4.txt"),
        Place::Script("S4", "by_hand"),
    ),
    row(
        Document::MissedCheckIn,
        "If the client still has not submitted their check-in. Report the client as non-compliant to the Program Manager in Slack so that they can contact the client.",
        Place::Later("report"),
    ),
    row(
        Document::MissedCheckIn,
        "(Refer to SOP-2180)",
        Place::Later("report"),
    ),
    row(
        Document::MissedCheckIn,
        "If the Program Manager approves, send a final message in clear connection.",
        Place::Later("final_message"),
    ),
    row(Document::MissedCheckIn, "Script:", Place::NoInstruction),
    row(
        Document::MissedCheckIn,
        include_str!("../../../../procedures/scripts/S5.txt"),
        Place::Later("final_message"),
    ),
    row(
        Document::MissedCheckIn,
        "End the client program if the client never responded or checked-in (Refer to SOP-V-2128).",
        Place::Later("end_program"),
    ),
    row(
        Document::MissedCheckIn,
        "ONLY END A CLIENT PROGRAM ONCE A MANAGER HAS APPROVED IT",
        Place::Later("end_program"),
    ),
    row(
        Document::MissedCheckIn,
        "Stop the Monthly Coaching Fee subscription in KEAP. (Refer to SOP-2155)",
        Place::Step("cancel_subscription", "stop_fee"),
    ),
    row(
        Document::MissedCheckIn,
        "If a client is at the end of the program and just needing to complete a Transition Maintenance Call, please refer to this article for the appropriate procedure- https://naturalacneclinic.happyfox.com/kb/article/563-sop-2330-submit-happyfox-tickets/",
        Place::Exception(
            "nothing is sent and an open case closes (A23); the coach gets a work item for the ticket",
        ),
    ),
    row(
        Document::MissedCheckIn,
        "Similar language should be used around other compliance issues, such as low consistency in skincare and supplement use or not changing out a pore clogger.",
        Place::Later("other compliance issues: without scripts only a work item"),
    ),
    row(
        Document::MissedCheckIn,
        "Keep client on track of the program",
        Place::NoInstruction,
    ),
    row(
        Document::MissedCheckIn,
        "Message client at first sign of missed check-in",
        Place::Reading("A24: the same moment as 24 hours after, D+1"),
    ),
    row(
        Document::MissedCheckIn,
        "Continue to follow up with client until check-in is completed",
        Place::Reading("a case never expires: it is closed by a check-in or a person"),
    ),
    row(
        Document::MissedCheckIn,
        "When to end a client program due to no response from client",
        Place::Later("end_program"),
    ),
    row(Document::MissedCheckIn, "Date", Place::NoInstruction),
    row(Document::MissedCheckIn, "Version", Place::NoInstruction),
    row(Document::MissedCheckIn, "Description", Place::NoInstruction),
    row(Document::MissedCheckIn, "Approved", Place::NoInstruction),
    row(Document::MissedCheckIn, "2/18/2021", Place::NoInstruction),
    row(Document::MissedCheckIn, "1.0.0", Place::NoInstruction),
    row(
        Document::MissedCheckIn,
        "1st revision completed",
        Place::NoInstruction,
    ),
    row(Document::MissedCheckIn, "bee", Place::NoInstruction),
    row(
        Document::MoveToClinic,
        "You are using an unsupported browser. Please update your browser to the latest version on or before July 31, 2020.",
        Place::NoInstruction,
    ),
    row(Document::MoveToClinic, "close", Place::NoInstruction),
    row(
        Document::MoveToClinic,
        "You are viewing the article in preview mode. It is not live at the moment.",
        Place::NoInstruction,
    ),
    row(
        Document::MoveToClinic,
        "Home > Clear Connection 2.0 > SOP-V-2006 Converting an Online Client to In-Person",
        Place::NoInstruction,
    ),
    row(
        Document::MoveToClinic,
        "SOP-V-2006 Converting an Online Client to In-Person",
        Place::NoInstruction,
    ),
    row(Document::MoveToClinic, "print icon", Place::NoInstruction),
    row(
        Document::MoveToClinic,
        "Converting an Online Client to In-Person Client",
        Place::NoInstruction,
    ),
    row(
        Document::MoveToClinic,
        "Standard Operating Procedure",
        Place::NoInstruction,
    ),
    row(Document::MoveToClinic, "Department:", Place::NoInstruction),
    row(Document::MoveToClinic, "NAC", Place::NoInstruction),
    row(Document::MoveToClinic, "SOP ID:", Place::NoInstruction),
    row(Document::MoveToClinic, "SOP-V-2006", Place::NoInstruction),
    row(Document::MoveToClinic, "Date:", Place::NoInstruction),
    row(Document::MoveToClinic, "2/1/2021", Place::NoInstruction),
    row(Document::MoveToClinic, "Sign Off:", Place::NoInstruction),
    row(
        Document::MoveToClinic,
        "[Jessica Gremley]",
        Place::NoInstruction,
    ),
    row(
        Document::MoveToClinic,
        "Procedure / Policy Overview",
        Place::NoInstruction,
    ),
    row(
        Document::MoveToClinic,
        "How to accurately convert a online client to an in-person client when a client lives in the Denver Metro area and would like to start getting peels in-person instead of doing the online program.",
        Place::Later("move_to_clinic: entry condition (E65)"),
    ),
    row(
        Document::MoveToClinic,
        "Procedure - Converting an Online Client to In-Person Client",
        Place::NoInstruction,
    ),
    row(
        Document::MoveToClinic,
        "If an online client decides to change to an in-person client during their program, the clear skin coach will inform the client of:",
        Place::Later("move_to_clinic: coach checklist"),
    ),
    row(
        Document::MoveToClinic,
        "Details of the in-office program (Coming into office every 2 weeks for peels and regimen changes, cost of treatments, etc).",
        Place::Later("move_to_clinic: coach checklist"),
    ),
    row(
        Document::MoveToClinic,
        "Cost of Acne Peels= $89 or Buy 5 Get 1 Free",
        Place::Later("move_to_clinic: coach checklist"),
    ),
    row(
        Document::MoveToClinic,
        "Acne Peels are performed every 2-3 weeks",
        Place::Later("move_to_clinic: coach checklist"),
    ),
    row(
        Document::MoveToClinic,
        "No more online check-ins, all regimen changes are made while at the clinic appointment for the Acne Peel.",
        Place::Later("move_to_clinic: coach checklist"),
    ),
    row(
        Document::MoveToClinic,
        "If needed, make the current regimen change.",
        Place::Later("move_to_clinic: coach checklist"),
    ),
    row(
        Document::MoveToClinic,
        "If they are going to be seen in the clinic soon, no regimen change is needed.",
        Place::Later("move_to_clinic: coach checklist"),
    ),
    row(
        Document::MoveToClinic,
        "Inform client that the Front Desk Coordinator will call them to schedule their peel and office visit",
        Place::Later("move_to_clinic: coach checklist"),
    ),
    row(
        Document::MoveToClinic,
        "Procedure - Converting an Online Client to In-Person Client in Clear Connection",
        Place::NoInstruction,
    ),
    row(
        Document::MoveToClinic,
        "Once coach has informed the client of the above information, pull up the client in InfusionSoft.",
        Place::Step("set_contact_type", "set"),
    ),
    row(
        Document::MoveToClinic,
        "Click on their name and change their contact type in the \"Clear Connection\" tab to \"In-Person\"",
        Place::Step("set_contact_type", "set"),
    ),
    row(
        Document::MoveToClinic,
        "Cancel their Coaching Fee Subscription by going to \"Orders\" and scrolling to the bottom where you will click on \"Monthly Coaching Support Fee\"",
        Place::Step("cancel_subscription", "read_billing"),
    ),
    row(
        Document::MoveToClinic,
        "Change status to \"Inactive\"",
        Place::Step("cancel_subscription", "stop_fee"),
    ),
    row(
        Document::MoveToClinic,
        "Change the recharge information so that it is not on auto-charge and remove the card information to ensure the client is not further charged",
        Place::Step("cancel_subscription", "remove_card"),
    ),
    row(
        Document::MoveToClinic,
        "Go to client's profile in Clear Connection and print check-ins, regimens, and Health Questionnaire.",
        Place::Later("move_to_clinic: documents"),
    ),
    row(
        Document::MoveToClinic,
        "Scan and upload the above documents into the \"Custom Fields\" section of their Zenoti profile.",
        Place::Later("move_to_clinic: documents"),
    ),
    row(
        Document::MoveToClinic,
        "Front desk calls client to schedule them for their next appointment (Acne Peel) based on when their last regimen change in Clear Connection was.",
        Place::Later("move_to_clinic: front desk"),
    ),
    row(Document::MoveToClinic, "Conclusion", Place::NoInstruction),
    row(
        Document::MoveToClinic,
        "Move online client to in-person client",
        Place::Later("move_to_clinic"),
    ),
    row(
        Document::MoveToClinic,
        "Revision History",
        Place::NoInstruction,
    ),
    row(Document::MoveToClinic, "Date", Place::NoInstruction),
    row(Document::MoveToClinic, "Version", Place::NoInstruction),
    row(Document::MoveToClinic, "Description", Place::NoInstruction),
    row(Document::MoveToClinic, "Approved", Place::NoInstruction),
    row(Document::MoveToClinic, "2/2/2021", Place::NoInstruction),
    row(Document::MoveToClinic, "1.0.0", Place::NoInstruction),
    row(
        Document::MoveToClinic,
        "Initial document created",
        Place::NoInstruction,
    ),
    row(Document::MoveToClinic, "bee", Place::NoInstruction),
    row(Document::MoveToClinic, "8/19/21", Place::NoInstruction),
    row(
        Document::MoveToClinic,
        "Updated per Zenoti RB",
        Place::NoInstruction,
    ),
    row(Document::MoveToClinic, "Feedback", Place::NoInstruction),
    row(
        Document::MoveToClinic,
        "0 out of 0 found this helpful",
        Place::NoInstruction,
    ),
    row(
        Document::MoveToClinic,
        "scroll to top icon",
        Place::NoInstruction,
    ),
];
