### Texts of the inbox that differ from those of the email.

password-reset-inbox-title = Foi pedida uma nova palavra-passe
password-reset-inbox-body = Alguém pediu uma nova palavra-passe para a sua conta. O link foi enviado para o seu endereço de e-mail. Se não foi você, não há nada a fazer: a sua palavra-passe continua a mesma.

email-change-inbox-title = Confirme o seu novo endereço de e-mail
email-change-inbox-body = Pediu outro endereço de e-mail. Fica em vigor quando o confirmar no e-mail enviado para o novo endereço. Se não foi você, altere já a sua palavra-passe.

email-changed-inbox-title = O seu endereço de e-mail foi alterado
email-changed-inbox-body = Os e-mails chegam agora ao seu novo endereço. Se não foi você, altere já a sua palavra-passe.

welcome-inbox-title = Boas-vindas ao FinTrac
welcome-inbox-body = O seu agregado está pronto. Adicione a sua primeira conta: dinheiro, banco ou cartão.
