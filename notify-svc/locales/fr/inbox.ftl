### Texts of the inbox that differ from those of the email.

password-reset-inbox-title = Un nouveau mot de passe a été demandé
password-reset-inbox-body = Quelqu’un a demandé un nouveau mot de passe pour votre compte. Le lien a été envoyé à votre adresse e-mail. Si ce n’était pas vous, il n’y a rien à faire : votre mot de passe reste le même.

email-change-inbox-title = Confirmez votre nouvelle adresse e-mail
email-change-inbox-body = Vous avez demandé une autre adresse e-mail. Elle sera active quand vous l’aurez confirmée dans le message envoyé à la nouvelle adresse. Si ce n’était pas vous, changez tout de suite votre mot de passe.

email-changed-inbox-title = Votre adresse e-mail a changé
email-changed-inbox-body = Les messages arrivent désormais à votre nouvelle adresse. Si ce n’était pas vous, changez tout de suite votre mot de passe.

welcome-inbox-title = Bienvenue chez FinTrac
welcome-inbox-body = Votre foyer est prêt. Ajoutez votre premier compte : espèces, banque ou carte.
