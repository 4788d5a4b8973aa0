"""Chat bodies: the session description of an IM session (`sdp`) and the text of a message (`text`)."""
