"""Everything that a chat says, without a socket or a clock: bodies in, values out, and back (dialect facts §4).

    text            encode(text, form) -> (Content-Type, body); read_body(content_type, body, prefer=) -> ReadBody;
                    decode_body(content_type, body) -> str
    formats         TextFormat and its values PLAIN_TEXT, HTML_TEXT, RTF_TEXT, ALTERNATIVES; FORMATS and
                    format_named("html") for the names a test writes; choose(accept_types, preferences)
    first_message   the text in an INVITE: first_message_headers(text, forms), read_first_message(request),
                    confirming_options(rules.confirmation) for the 200, first_message_outcome(response, confirmation)
    invitation      classify_invite(request, rules) -> ImOffer | InviteRefusal; new_conversation_id()
    other_sessions  what a partner offers that is no chat of two: conference, files, media, multi-party
    rules           ChatRules: every habit that differs between products or is in doubt, as a switch
    sdp             im_offer(...) and parse_im_sdp(body): the session description
    composing       write_composing(Composing(True), "info" | "iscomposing") -> (method, Content-Type, body);
                    read_composing(content_type, body); is_composing_type(media_type)
    typing_state    Composer (what to send, and when) and TypingWatcher (what to show), both with `now`
    delivery        delivery(response) -> Delivery; write_imdn, read_imdn: reports of conferences

What a peer got wrong raises RemoteProtocolError with the status to answer; what cannot be sent, LocalProtocolError.
A body's readers take time linear in its size. Beneath them: charset, font, html, rtf, multipart.
"""
