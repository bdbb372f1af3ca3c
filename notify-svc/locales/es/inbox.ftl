### Texts of the inbox that differ from those of the email.

password-reset-inbox-title = Se ha pedido una contraseña nueva
password-reset-inbox-body = Alguien ha pedido una contraseña nueva para tu cuenta. El enlace se ha enviado a tu dirección de correo. Si no has sido tú, no hay nada que hacer: tu contraseña sigue siendo la misma.

email-change-inbox-title = Confirma tu nueva dirección de correo
email-change-inbox-body = Has pedido otra dirección de correo. Se aplicará cuando la confirmes en el correo enviado a la nueva dirección. Si no has sido tú, cambia tu contraseña enseguida.

email-changed-inbox-title = Tu dirección de correo ha cambiado
email-changed-inbox-body = Los correos llegan ahora a tu nueva dirección. Si no has sido tú, cambia tu contraseña enseguida.

welcome-inbox-title = Te damos la bienvenida a FinTrac
welcome-inbox-body = Tu hogar está listo. Añade tu primera cuenta: efectivo, banco o tarjeta.
